"""The Content Security Policy of every page: no inline code, nothing from elsewhere."""

from django.utils.csp import CSP


def policy(site_url: str, checkout_origin: str) -> dict[str, list[str]]:
    """Django's ``SECURE_CSP``. After a form that pays, the browser is redirected to ``checkout_origin``."""
    return {
        "default-src": [CSP.NONE],
        "script-src": [CSP.SELF, CSP.NONCE],
        "style-src": [CSP.SELF],
        "font-src": [CSP.SELF],
        "img-src": [CSP.SELF, "data:", "blob:"],
        "connect-src": [CSP.SELF],
        "manifest-src": [CSP.SELF],
        "frame-src": [CSP.SELF],
        "worker-src": [f"{site_url}/service-worker.js"],
        "form-action": [CSP.SELF, checkout_origin],
        "base-uri": [CSP.NONE],
        "frame-ancestors": [CSP.NONE],
    }
