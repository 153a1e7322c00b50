"""The page that a buyer sees. Unmistakably no real one."""

from collections.abc import Mapping
from html import escape
from string import Template
from typing import Any

from tests.fake_stripe.sessions import amount_text

GOOD_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
SLOW_CARD = "4000 0000 0000 0077"

LAYOUT = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>DEMO – no real money</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; }
header { background: #b45309; color: #fff; padding: .75rem 1rem; text-align: center; font-weight: 700; }
main { max-width: 26rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 2rem; margin: 0; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit; }
button { width: 100%; padding: .75rem; margin-top: 1.25rem; font: inherit; font-weight: 700; cursor: pointer; }
.quiet button { font-weight: 400; margin-top: .75rem; }
.error { color: #dc2626; font-weight: 600; }
small { display: block; margin-top: 1.5rem; }
</style>
<header>DEMO – no real money. This page pretends to be Stripe.</header>
<main>$content</main>
</html>
""")

FORM = Template("""
<h1 data-testid="demo-amount">$amount</h1>
<p>$names</p>
<form method="post">
  $error
  <label for="email">E-mail</label>
  <input id="email" name="email" type="email" value="$email" required>
  <label for="card">Pretend card</label>
  <input id="card" name="card" value="$card" inputmode="numeric" autocomplete="off" required>
  <button name="action" value="pay" data-testid="demo-pay">Pay $amount (pretend)</button>
</form>
$cancel
<form class="quiet" method="post">
  <button name="action" value="expire" data-testid="demo-expire">Let this checkout expire</button>
</form>
<small>$good pays · $declined is declined · $slow pays later, like a bank transfer. Never type a real card.</small>
""")


def paying(session: Mapping[str, Any], names: list[str], error: str = "") -> str:
    cancel = session["cancel_url"]
    form = FORM.substitute(
        amount=escape(amount_text(session)),
        names="<br>".join(escape(name) for name in names),
        email=escape(session["customer_email"] or "buyer@example.org", quote=True),
        card=GOOD_CARD,
        error=f'<p class="error" role="alert">{escape(error)}</p>' if error else "",
        cancel=f'<p><a href="{escape(cancel, quote=True)}" data-testid="demo-cancel">Cancel, back to the shop</a></p>'
        if cancel
        else "",
        good=GOOD_CARD,
        declined=DECLINED_CARD,
        slow=SLOW_CARD,
    )
    return LAYOUT.substitute(content=form)


def ended(session: Mapping[str, Any]) -> str:
    words = "is paid for" if session["status"] == "complete" else "has expired"
    return LAYOUT.substitute(content=f"<p data-testid='demo-ended'>This checkout {words}.</p>")


def unknown() -> str:
    return LAYOUT.substitute(
        content="<p>This pretend Stripe knows no such checkout. It forgets everything when it is restarted.</p>"
    )
