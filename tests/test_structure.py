"""The layout holds: budgets, floors and walls. Each rule is also shown to find what it is there to find."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import structure

ROOT = Path(__file__).resolve().parent.parent

# Complaints that are accepted, each with its reason. Nothing is added lightly.
EXCEPTIONS: dict[str, str] = {}

RULES: list[Callable[[Path], list[str]]] = [
    structure.too_long_files,
    structure.too_long_functions,
    structure.upward_names_in_python,
    structure.upward_names_in_templates,
    structure.breaches_of_walls,
    structure.importers_of_push,
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


@each_rule
def test_the_product_keeps_the_rule(rule: Callable[[Path], list[str]]) -> None:
    assert [complaint for complaint in rule(ROOT) if complaint not in EXCEPTIONS] == []


def test_every_exception_is_still_needed() -> None:
    assert set(EXCEPTIONS) <= {complaint for rule in RULES for complaint in rule(ROOT)}


@each_rule
def test_an_empty_folder_breaks_no_rule(rule: Callable[[Path], list[str]], tmp_path: Path) -> None:
    assert rule(tmp_path) == []


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "budget"),
    [
        ("drops/models.py", structure.FILE_LINES),
        ("deploy/serve.py", structure.FILE_LINES),
        ("static/push/push.js", structure.JS_MODULE_LINES),
        ("templates/push/service-worker.js", structure.JS_MODULE_LINES),
        ("templates/drops/list.html", structure.TEMPLATE_LINES),
        ("accounts/templates/account/login.html", structure.TEMPLATE_LINES),
    ],
)
def test_a_file_past_its_budget_is_found(tmp_path: Path, name: str, budget: int) -> None:
    write(tmp_path, name, "\n" * budget)
    assert structure.too_long_files(tmp_path) == []
    write(tmp_path, name, "\n" * (budget + 1))
    assert structure.too_long_files(tmp_path) == [f"{name}: {budget + 1} lines, at most {budget}"]


def test_tests_and_migrations_may_be_long(tmp_path: Path) -> None:
    for name in ("tests/drops/test_list.py", "drops/migrations/0001_initial.py"):
        write(tmp_path, name, f"def long():\n{'    x = 1\n' * 400}")
    assert structure.too_long_files(tmp_path) == []
    assert structure.too_long_functions(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "head", "budget"),
    [
        ("drops/models.py", "def send(request):", structure.FUNCTION_LINES),
        ("drops/models.py", "async def send(text):", structure.FUNCTION_LINES),
        ("push/views/card.py", "def context(user):", structure.FUNCTION_LINES),
        ("push/views/card.py", "def card(request):", structure.VIEW_LINES),
        ("drops/views.py", "def drops(request):", structure.VIEW_LINES),
    ],
)
def test_a_function_past_its_budget_is_found(
    tmp_path: Path, name: str, head: str, budget: int
) -> None:
    write(tmp_path, name, head + "\n    x = 1" * (budget - 1))
    assert structure.too_long_functions(tmp_path) == []
    write(tmp_path, name, head + "\n    x = 1" * budget)
    assert len(structure.too_long_functions(tmp_path)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("accounts/models.py", "import drops.models"),
        ("accounts/models.py", "from push import models"),
        ("drops/models.py", "def late():\n    from push.models import Delivery"),
        ("drops/models.py", "import payments"),
        ("payments/models.py", "from fundraising.models import Campaign"),
        ("push/apps.py", "from fastlinkit import home"),
        ("drops/tasks.py", "import_string('push.models')"),
        ("drops/models.py", "owner = ForeignKey('push.Subscription', CASCADE)"),
        ("drops/models.py", "model = apps.get_model('push', 'Delivery')"),
    ],
)
def test_a_name_from_a_floor_above_is_found(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, text)
    assert len(structure.upward_names_in_python(tmp_path)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("push/apps.py", "import drops.models, accounts, push.models"),
        ("fundraising/models.py", "from payments.models import Transaction"),
        ("fastlinkit/settings.py", "INSTALLED_APPS = ['push.apps', 'drops.apps']"),
        ("drops/models.py", "from accounts.models import User"),
        ("drops/models.py", "from .signals import drop_received"),
        ("drops/models.py", "'''push.notices listens.'''"),
        ("drops/models.py", "text = 'push it: push.js'"),
    ],
)
def test_a_name_from_the_same_app_or_from_below_is_no_fault(
    tmp_path: Path, name: str, text: str
) -> None:
    write(tmp_path, name, text)
    assert structure.upward_names_in_python(tmp_path) == []


@pytest.mark.parametrize(
    "call", ["reverse('bell')", "redirect('bell')", "reverse_lazy('bell', 1)", "reverse('push:x')"]
)
def test_a_url_name_from_a_floor_above_is_found(tmp_path: Path, call: str) -> None:
    write(tmp_path, "push/urls.py", "urlpatterns = [path('bell', bell, name='bell')]")
    write(tmp_path, "push/views/bell.py", call)
    write(tmp_path, "drops/views.py", call)
    [complaint] = structure.upward_names_in_python(tmp_path)
    assert complaint.startswith("drops/views.py: names the URL ")


@pytest.mark.parametrize(
    "tag",
    [
        "{% include 'push/_card.html' with x=1 %}",
        '{% extends "push/page.html" %}',
        "{% url 'bell' %}",
        "{% url 'push:bell' as url %}",
        "{% static 'push/push.js' %}",
        "{% load i18n import_map %}",
        "{% load thing from import_map %}",
    ],
)
def test_a_tag_that_names_a_floor_above_is_found(tmp_path: Path, tag: str) -> None:
    write(tmp_path, "push/urls.py", "urlpatterns = [path('bell', bell, name='bell')]")
    write(tmp_path, "push/templatetags/import_map.py", "")
    write(tmp_path, "templates/push/page.html", tag)
    write(tmp_path, "templates/base.html", tag)
    assert structure.upward_names_in_templates(tmp_path) == []
    write(tmp_path, "templates/drops/list.html", tag)
    write(tmp_path, "templates/account/login.html", tag)
    write(tmp_path, "accounts/templates/account/login.html", tag)
    write(tmp_path, "push/templates/push/page.html", tag)
    assert sorted(line.split(":")[0] for line in structure.upward_names_in_templates(tmp_path)) == [
        "accounts/templates/account/login.html",
        "templates/account/login.html",
        "templates/drops/list.html",
    ]


def test_a_template_may_stand_on_the_layout_and_on_a_floor_below(tmp_path: Path) -> None:
    tags = "{% extends 'base.html' %}{% include 'accounts/_name.html' %}{% load i18n %}{% url x %}"
    write(tmp_path, "templates/drops/list.html", tags)
    assert structure.upward_names_in_templates(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    ["from push.notices import kinds", "import push.notices", "from push import notices"],
)
def test_delivery_that_knows_of_notices_is_found(tmp_path: Path, text: str) -> None:
    write(tmp_path, "push/delivery/outbox.py", text)
    write(tmp_path, "push/tasks.py", text)
    assert len(structure.breaches_of_walls(tmp_path)) == 1


def test_anything_but_the_wiring_that_imports_push_is_found(tmp_path: Path) -> None:
    for name in ("fastlinkit/urls.py", "push/apps.py", "tests/x.py", "drops/x.py", "deploy/x.py"):
        write(tmp_path, name, "from push import models")
    assert structure.importers_of_push(tmp_path) == [
        "deploy/x.py: imports push.models",
        "drops/x.py: imports push.models",
    ]


def test_what_is_no_part_of_the_product_is_not_read(tmp_path: Path) -> None:
    for name in (".venv/lib/accounts/x.py", "var/accounts/x.py", "accounts/.cache/x.py"):
        write(tmp_path, name, "import push" + "\n" * 400)
    assert [complaint for rule in RULES for complaint in rule(tmp_path)] == []
