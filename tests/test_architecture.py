"""The structure of the source tree: no import circles, no name twice, names of the right kind."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "handlers", "services", "reader_bridge", "sandbox", "locales", "tools")
BESIDE = ("benchmarks", "packaging", "tests")
"""The folders beside the product, whose names follow the same rules."""
SAME_NAME_ALLOWED: Mapping[str, str] = {}
"""Class names that stand twice, each with the reason."""
SAME_FUNCTION_ALLOWED: Mapping[str, str] = {
    "main": "the entry point of a program",
    "is_loopback": "bot, sandbox and bridge may not import one another",
}
"""Names of public functions that stand in several modules, each with the reason."""
_PARTICIPLE = re.compile(r"_?(?:\w+ed|told|led|kept|shown|heard|written|done|gone|sent|said|taken)")
_PARTICIPLES_ALLOWED = {"feed", "need", "seed", "speed", "embed", "proceed", "succeed"}


@cache
def modules(rooms: tuple[str, ...] = ROOMS) -> Mapping[str, ast.Module]:
    """Every module of these folders by its dotted name, parsed."""
    return {
        _dotted(path): ast.parse(path.read_text(encoding="utf-8"))
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
    }


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imports(name: str) -> set[str]:
    """The modules that one imports, type hints and imports inside functions included."""
    known, found = modules(), set()
    for node in ast.walk(known[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
    return (found & set(known)) - {name}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one module (Kosaraju's algorithm)."""
    order: list[str] = []
    seen: set[str] = set()
    for start in graph:
        order.extend(_postorder(graph, start, seen))
    back: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            back[target].add(node)
    seen = set()
    components = [sorted(_postorder(back, node, seen)) for node in reversed(order)]
    return [component for component in components if len(component) > 1]


def _postorder(graph: Mapping[str, set[str]], start: str, seen: set[str]) -> Iterator[str]:
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(sorted(graph[start])))]
    while stack:
        node, targets = stack[-1]
        target = next((each for each in targets if each not in seen), None)
        if target is None:
            stack.pop()
            yield node
        else:
            seen.add(target)
            stack.append((target, iter(sorted(graph[target]))))


def test_a_circle_would_be_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}
    assert circles(graph) == [["a", "b", "c"]]


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles({name: imports(name) for name in modules()}) == []


def test_no_public_class_name_stands_twice() -> None:
    places = defaultdict(list)
    for name, tree in modules(ROOMS + BESIDE).items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert {k: v for k, v in twice.items() if k not in SAME_NAME_ALLOWED} == {}
    assert set(SAME_NAME_ALLOWED) <= set(twice), "allowed for nothing"


def test_no_public_function_name_stands_in_two_modules() -> None:
    places = defaultdict(list)
    for name, tree in modules((*ROOMS, "benchmarks")).items():
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and not any(_is_name_of_its_own(decorator) for decorator in node.decorator_list)
            ):
                places[node.name].append(name)
    twice = {
        name: found
        for name, found in places.items()
        if len(found) > 1 and ".migrations.versions." not in found[0]
    }
    assert {k: v for k, v in twice.items() if k not in SAME_FUNCTION_ALLOWED} == {}
    assert set(SAME_FUNCTION_ALLOWED) <= set(twice), "allowed for nothing"


def _functions(
    rooms: tuple[str, ...] = ROOMS,
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for name, tree in modules(rooms).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def test_no_function_is_named_by_a_bare_participle() -> None:
    found = [
        f"{name}:{node.lineno} {node.name}"
        for name, node in _functions((*ROOMS, "benchmarks"))
        if _PARTICIPLE.fullmatch(node.name)
        and "_" not in node.name.strip("_")
        and node.name.strip("_") not in _PARTICIPLES_ALLOWED
        and not any(_is_name_of_its_own(decorator) for decorator in node.decorator_list)
    ]
    assert found == []


def _is_name_of_its_own(decorator: ast.expr) -> bool:
    """Whether the function is a property, or a command of the command line."""
    if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
        return decorator.func.attr == "command"
    return isinstance(decorator, ast.Name) and decorator.id in ("property", "cached_property")


RIDDLES = frozenset({
    "Allowance", "Aside", "Board", "CardWork", "Claim", "Consented", "Desk", "Doubts", "Due",
    "Duties", "Endings", "Errand", "Happening", "Heard", "House", "Keeping", "Led", "Mover",
    "Owing", "Proving", "Revealing", "Scene", "Told", "Traces", "Way", "Whose", "Work",
})  # fmt: skip
"""Names by which nobody in this field finds anything; each stands for a term that exists."""


def test_nothing_has_a_name_that_has_to_be_guessed() -> None:
    found = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in modules(ROOMS + BESIDE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.strip("_") in RIDDLES
    ]
    assert found == []


def test_docstrings_say_what_is_returned_in_plain_words() -> None:
    odd = re.compile(r"(Give (?!access)|Gives|Tell whether|Carry out)\b")
    found = [
        f"{name}:{node.lineno} {node.name}"
        for name, node in _functions(ROOMS + BESIDE)
        if odd.match(ast.get_docstring(node) or "")
        and not any(_is_name_of_its_own(decorator) for decorator in node.decorator_list)
    ]
    assert found == []


def test_only_the_storage_knows_the_errors_of_the_database_driver() -> None:
    """Whoever has to go on without the database catches `DatabaseUnavailableError`."""
    allowed = ("services.storage.", "bot.cli.errors", "bot.settings")
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if not name.startswith(allowed)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "sqlalchemy.exc"
        and not {alias.name for alias in node.names} <= {"IntegrityError"}
    ]
    assert found == []


TASK_OWNERS = {
    "services.supervisor": "supervised tasks, and tasks with an owner that logs their end",
    "reader_bridge.client.background_tasks": "the same for the app on the PC",
    "reader_bridge.app.window.controller": "awaits its client, which another server takes from it",
    "reader_bridge.client.client": "awaits its connection, and cancels it",
    "reader_bridge.client.pairing_flow": "awaits the link and the typed code, and cancels both",
    "reader_bridge.operations.running_operation": "reports the end of its one operation",
    "sandbox.world.webhook_delivery": "the stand-in for Telegram cancels its deliveries",
}
"""Modules that may create tasks, each with who notices the end of a task."""


def test_every_task_has_an_owner() -> None:
    """A task that nobody looks after dies without a word, and its work with it."""
    starters = {"create_task", "ensure_future", "run_coroutine_threadsafe"}
    found = {
        (name, node.lineno)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", None)) in starters
    }
    assert {name for name, _ in found} == set(TASK_OWNERS), sorted(found)
