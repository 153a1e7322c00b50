// node's web-push with a keep-alive agent, 50 in flight: node web_push.mjs TASK
import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { createInterface } from "node:readline";
import webPush from "web-push";

const IN_FLIGHT = 50;
const task = JSON.parse(readFileSync(process.argv[2], "utf8"));
const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
const options = {
  agent,
  TTL: 86400,
  vapidDetails: {
    subject: task.subject,
    publicKey: task.public_key,
    privateKey: task.private_key,
  },
};

async function send(messages) {
  const taken = [];
  let next = 0;
  async function work() {
    while (next < messages) {
      const subscription = task.subscriptions[next++ % task.subscriptions.length];
      const started = performance.now();
      await webPush.sendNotification(subscription, task.plaintext, options);
      taken.push(performance.now() - started);
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  return taken.sort((one, other) => one - other);
}

for await (const line of createInterface({ input: process.stdin })) {
  const messages = Number(line);
  const before = process.cpuUsage();
  const started = performance.now();
  const taken = await send(messages);
  const cpu = process.cpuUsage(before);
  const found = {
    messages,
    seconds: (performance.now() - started) / 1000,
    cpu: (cpu.user + cpu.system) / 1e6,
    p50: taken[Math.floor(taken.length / 2)],
    p99: taken[Math.floor(taken.length * 0.99)],
  };
  console.log(JSON.stringify(found));
}
