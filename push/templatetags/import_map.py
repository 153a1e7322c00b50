"""The one inline block of a page: the import map, which gives ES modules their hashed file names."""

import json
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.template import Context
from django.templatetags.static import static
from django.utils.csp import CONTEXT_KEY
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@cache
def module_names() -> tuple[str, ...]:
    """``push/push.js`` and its siblings: the names that modules import each other by."""
    return tuple(
        f"push/{path.name}"
        for path in sorted(Path(settings.BASE_DIR, "static", "push").glob("*.js"))
    )


@register.simple_tag(takes_context=True)
def import_map(context: Context) -> SafeString:
    """``<script type="importmap" nonce="…">``: a relative import would stay unhashed and go stale."""
    imports = json.dumps({"imports": {name: static(name) for name in module_names()}})
    # A script element ends at "</": JSON reads the escaped form as the same text.
    safe = mark_safe(imports.replace("<", "\\u003c"))  # noqa: S308
    return format_html(
        '<script type="importmap" nonce="{}">{}</script>', context.get(CONTEXT_KEY, ""), safe
    )
