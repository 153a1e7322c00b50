"""Form-encoded nested parameters, as Stripe reads them: ``line_items[0][price_data][currency]=eur``."""

import re
from typing import Any
from urllib.parse import parse_qsl

from tests.fake_stripe.refusals import RefusalError

NAME = re.compile(r"([A-Za-z_]+)((?:\[[A-Za-z0-9_ .-]*\])*)")


def parse(body: bytes) -> dict[str, Any]:
    """Nested dictionaries of strings; lists stay dictionaries with the keys "0", "1", …"""
    try:
        pairs = (
            parse_qsl(
                body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
            )
            if body
            else []
        )
    except ValueError:
        raise RefusalError(400, "Invalid request body: not form-encoded.") from None
    tree: dict[str, Any] = {}
    for name, value in pairs:
        match = NAME.fullmatch(name)
        if match is None:
            raise RefusalError(400, f"Invalid parameter name: {name}", code="parameter_unknown")
        path = [match[1], *re.findall(r"\[([^\]]*)\]", match[2])]
        branch = tree
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
            if not isinstance(branch, dict):
                raise RefusalError(400, f"Invalid hash for {step}", param=name)
        if path[-1] in branch:
            raise RefusalError(400, f"Received the parameter {name} twice.", param=name)
        branch[path[-1]] = value
    return tree
