"""The rules of the layout as functions from a folder to complaints, so that they can be tried on a made-up one.

A complaint is one line, ``path: what is wrong``, with the path relative to the folder.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FILE_LINES = 300
FUNCTION_LINES = 40
VIEW_LINES = 25
JS_MODULE_LINES = 130
TEMPLATE_LINES = 120

# Arrows run from a higher number to a lower one, never up and never sideways.
FLOORS = {
    "fastlinkit": 5,
    "push": 4,
    "fundraising": 3,
    "payments": 2,
    "tickets": 2,
    "drops": 2,
    "accounts": 1,
}
# Inside an app: a room, and what it must know nothing of.
WALLS = {"push/delivery": "push.notices"}
# Who may name push: itself and the wiring; tests and benchmarks stand outside of the product.
IMPORTERS_OF_PUSH = {"push", "fastlinkit", "tests", "benchmarks"}
# Folders of templates that override an installed package's belong to the app that uses the package.
TEMPLATE_FOLDERS = {
    "account": "accounts",
    "allauth": "accounts",
    "mfa": "accounts",
    "usersessions": "accounts",
}

NOT_OURS = {"var", "node_modules"}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DOTTED = re.compile(r"([a-z_]+)(?:\.[A-Za-z_]\w*)+")
URL_CALLS = {"reverse", "reverse_lazy", "redirect", "resolve_url"}
TAG = re.compile(r"\{%\s*(include|extends|url|static|load)\s+(.*?)\s*%\}", re.DOTALL)
QUOTED = re.compile(r"""["']([^"']+)["']""")


def files(root: Path, *endings: str) -> Iterator[Path]:
    for folder, subfolders, names in root.walk():
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and name not in NOT_OURS
        )
        yield from (folder / name for name in sorted(names) if name.endswith(endings))


def shipped_files(root: Path, kind: str, *endings: str) -> Iterator[Path]:
    """The files in ``templates/`` or ``static/``, at the top and in the apps."""
    for folder in (root / kind, *(root / app / kind for app in FLOORS)):
        yield from files(folder, *endings)


def source_files(root: Path) -> Iterator[Path]:
    """Python that is neither a test nor a migration."""
    for path in files(root, ".py"):
        parts = path.relative_to(root).parts
        if parts[0] != "tests" and "migrations" not in parts:
            yield path


def app_of(root: Path, path: Path) -> str:
    return path.relative_to(root).parts[0]


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def tree_of(path: Path) -> ast.Module:
    return _tree(path.read_text(encoding="utf-8"))


def too_long_files(root: Path) -> list[str]:
    budgets = [
        *((path, FILE_LINES) for path in source_files(root)),
        *((path, TEMPLATE_LINES) for path in shipped_files(root, "templates", ".html", ".txt")),
        *((path, JS_MODULE_LINES) for path in shipped_files(root, "static", ".js")),
        *((path, JS_MODULE_LINES) for path in shipped_files(root, "templates", ".js")),
    ]
    return [
        f"{path.relative_to(root)}: {lines} lines, at most {budget}"
        for path, budget in budgets
        if (lines := lines_of(path)) > budget
    ]


def is_view(path: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args]
    in_views = path.stem == "views" or "views" in path.parts
    return in_views and bool(arguments) and arguments[0].arg == "request"


def too_long_functions(root: Path) -> list[str]:
    complaints = []
    for path in source_files(root):
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, FUNCTION):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            budget = VIEW_LINES if is_view(path.relative_to(root), node) else FUNCTION_LINES
            if lines > budget:
                complaints.append(
                    f"{path.relative_to(root)}: {node.name} has {lines} lines, at most {budget}"
                )
    return complaints


def imported_modules(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in the file, inside functions too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def docstrings(tree: ast.Module) -> set[int]:
    """The ``id`` of each string that stands alone: documentation, which may name anything."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def named_modules(path: Path) -> Iterator[str]:
    """Dotted strings (``"push.models"``, ``"push.Subscription"``) and ``get_model("push", …)``."""
    tree = tree_of(path)
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in documentation and DOTTED.fullmatch(node.value):
                yield node.value
        elif isinstance(node, ast.Call) and called_name(node) in {"get_model", "get_app_config"}:
            yield from first_text(node)


def called_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def first_text(call: ast.Call) -> list[str]:
    """The call's first argument, where it is written as a string."""
    if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
        return [call.args[0].value]
    return []


def url_names(root: Path) -> dict[str, str]:
    """Which app each URL name belongs to, read from ``path(…, name="…")`` in the apps' sources."""
    return {
        keyword.value.value: app_of(root, path)
        for path in source_files(root)
        if app_of(root, path) in FLOORS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and called_name(node) in {"path", "re_path"}
        for keyword in node.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    }


def app_of_url(name: str, names: dict[str, str]) -> str:
    """The app of ``drops:list`` is its namespace; a plain name is looked up."""
    namespace, colon, _name = name.rpartition(":")
    return namespace if colon else names.get(name, "")


def is_upward(app: str, other: str) -> bool:
    """Whether ``other`` is a different app on the same floor or on a higher one."""
    return app != other and app in FLOORS and other in FLOORS and FLOORS[other] >= FLOORS[app]


def upward_names_in_python(root: Path) -> list[str]:
    names = url_names(root)
    complaints = []
    for path in source_files(root):
        app, place = app_of(root, path), path.relative_to(root)
        modules = {*imported_modules(path), *named_modules(path)}
        complaints += [
            f"{place}: names {module}"
            for module in sorted(modules)
            if is_upward(app, module.split(".")[0])
        ]
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and called_name(node) in URL_CALLS:
                complaints += [
                    f"{place}: names the URL {name} of {app_of_url(name, names)}"
                    for name in first_text(node)
                    if is_upward(app, app_of_url(name, names))
                ]
    return complaints


def template_app(relative: Path) -> str:
    """The app a template belongs to; what lies at the very top of ``templates/`` is wiring."""
    if relative.parts[0] != "templates":
        return relative.parts[0]
    folder = relative.parts[1]
    return TEMPLATE_FOLDERS.get(folder, folder) if len(relative.parts) > 2 else "fastlinkit"


def tag_libraries(root: Path) -> dict[str, str]:
    return {
        path.stem: app_of(root, path)
        for path in source_files(root)
        if path.parent.name == "templatetags"
    }


def apps_named_in_tag(
    tag: str, rest: str, names: dict[str, str], libraries: dict[str, str]
) -> list[str]:
    if tag == "load":
        words = rest.split(" from ")[-1].split()
        return [libraries[word] for word in words if word in libraries]
    quoted = QUOTED.match(rest)
    if quoted is None:
        return []
    if tag == "url":
        return [app_of_url(quoted[1], names)]
    folder = quoted[1].split("/")[0]
    return [TEMPLATE_FOLDERS.get(folder, folder)]


def upward_names_in_templates(root: Path) -> list[str]:
    names, libraries = url_names(root), tag_libraries(root)
    return [
        f"{path.relative_to(root)}: {{% {match[1]} {match[2]} %}} names {other}"
        for path in shipped_files(root, "templates", ".html", ".txt", ".js")
        for match in TAG.finditer(path.read_text(encoding="utf-8"))
        for other in apps_named_in_tag(match[1], match[2], names, libraries)
        if is_upward(template_app(path.relative_to(root)), other)
    ]


def breaches_of_walls(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}: names {module}"
        for room, forbidden in WALLS.items()
        for path in files(root / room, ".py")
        for module in sorted({*imported_modules(path), *named_modules(path)})
        if f"{module}.".startswith(f"{forbidden}.")
    ]


def importers_of_push(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}: imports {module}"
        for path in files(root, ".py")
        if app_of(root, path) not in IMPORTERS_OF_PUSH
        for module in sorted(set(imported_modules(path)))
        if module.split(".")[0] == "push"
    ]
