"""Paths through the state graph of the online conversations, found from the declarations.

The declarations say where a step may lead; the tables here say which edge each persona takes, and
what they type. `find_path` finds the shortest path by breadth-first search.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from handlers.engine.model import ButtonTransition, Step, resolve_target
from tests.handlers.engine.navigation import Conversations

StepId = tuple[str, str]
"""A conversation and its step."""
WITH_A_CARD = ("issued", "posted", "active", "suspended", "revoked", "expired")
"""The card states in which there is a card."""


@dataclass(frozen=True)
class Persona:
    """The circumstances of a person who takes a path.

    :ivar card_state: how far their card has come.
    :ivar chat_state: ``linked`` to them, ``paused`` after wrong codes, ``stopped`` after wrong
        entries of every kind, ``unmailed`` where its mails are used up, or empty.
    :ivar is_guarded: whether strangers have used up their attempts at the code.
    :ivar is_locked: whether their code is locked.
    """

    card_state: str
    chat_state: str = ""
    is_guarded: bool = False
    is_locked: bool = False


PERSONAS = (
    Persona("submitted"),
    Persona("posted"),
    Persona("suspended"),
    Persona("paid"),
    Persona("issued"),
    Persona("overdue"),
    Persona("active"),
    Persona("revoked"),
    Persona("expired"),
    Persona("submitted", is_guarded=True),
    Persona("submitted", "paused"),
    Persona("submitted", "stopped"),
    Persona("suspended", "unmailed"),
    Persona("submitted", "unmailed", is_guarded=True),
    Persona("submitted", "linked", is_locked=True),
    Persona("submitted", "linked"),
    Persona("active", "linked"),
    Persona("suspended", "linked"),
)
"""Enough to reach every step; the first persona that reaches a step is used for it."""


@dataclass(frozen=True)
class PathEdge:
    """An edge that a persona takes from one step to another.

    :ivar action: the key of a button, ``typed:<what>``, ``link:<payload>`` or ``pc:<action>``.
    :ivar clears_history: whether there is no Back from `target`.
    """

    action: str
    target: StepId
    clears_history: bool = False


EdgeFinder = Callable[[Persona, StepId, Step], Iterator[PathEdge]]
_NOT_POSSIBLE = {
    "submitted": "unpaid", "overdue": "unpaid", "paid": "waiting", "issued": "inactive",
    "posted": "inactive", "revoked": "revoked", "expired": "expired",
}  # fmt: skip
"""The final steps for card states in which an operation is not possible."""
_ACTIVATED = ("active", "suspended", "revoked", "expired")
_NOTHING_TO_DO = {"suspend": {"suspended": "already"}, "resume": {"active": "already"}}
_PAY_STEPS = {"submitted": "owed", "overdue": "overdue", "paid": "paid"}
_BIRTH_DATE_STEPS = (("retrieve", "who"), ("suspend", "by_mail"))


def find_edges(persona: Persona, step_id: StepId, step: Step) -> Iterator[PathEdge]:
    """Yield what leads on from a step for a persona."""
    for button in step.buttons:
        yield from _button_edges(persona, step_id, button)
    if step.secret_input is not None:
        yield from _input_edges(
            persona, step_id, resolve_target(step.secret_input.target, step_id[0])
        )


def _input_edges(persona: Persona, step_id: StepId, target: StepId) -> Iterator[PathEdge]:
    conversation, name = step_id
    if step_id in _BIRTH_DATE_STEPS:
        yield PathEdge("typed:number", (conversation, "born"))
        yield _mail_edge("typed:number and birth date", persona, conversation)
    elif name == "born":
        yield _mail_edge("typed:birth date", persona, conversation)
    elif name == "verify":
        yield _mail_edge("typed:birth date", persona, conversation, "verify_mailed", "verify_limit")
    elif name == "who":
        yield PathEdge("typed:number", (conversation, "code"))
        yield _code_edge("typed:number and code", persona, conversation, target)
    elif name == "code":
        yield _code_edge("typed:code", persona, conversation, target)
    elif name in ("proof", "card"):
        if persona.card_state in WITH_A_CARD:
            yield PathEdge("typed:card number", target, clears_history=True)
    elif name in ("mailed", "verify_mailed"):
        reached = _target_of_one_time_code(persona, conversation, target)
        yield PathEdge("typed:one-time code", reached, clears_history=True)
    else:
        assert name == "address", f"nobody knows what to type at {conversation}/{name}"
        yield PathEdge("typed:address", target)


def _target_of_one_time_code(persona: Persona, conversation: str, target: StepId) -> StepId:
    """Return where the right one-time code leads."""
    if persona.chat_state == "stopped":
        return conversation, "paused"
    if target == ("retrieve", "ready") and persona.card_state in _ACTIVATED:
        return conversation, "not_kept"
    if target == ("suspend", "confirm"):
        return conversation, _change_step(persona, conversation, target[1])
    return target


def _change_step(persona: Persona, conversation: str, target: str) -> str:
    """Return the step that says why there is nothing to change, or the target."""
    nothing = _NOTHING_TO_DO[conversation].get(persona.card_state, target)
    return _NOT_POSSIBLE.get(persona.card_state, nothing)


def _mail_edge(
    action: str,
    persona: Persona,
    conversation: str,
    sent: str = "mailed",
    limit: str = "mail_limit",
) -> PathEdge:
    """Return the edge that asks for a mail."""
    if persona.chat_state == "unmailed":
        return PathEdge(action, (conversation, limit), clears_history=True)
    return PathEdge(action, (conversation, sent))


def _code_edge(action: str, persona: Persona, conversation: str, target: StepId) -> PathEdge:
    """Return the edge that the right code takes; none is taken back but to verify."""
    reached = _target_of_right_code(persona, conversation, target)
    return PathEdge(action, reached, clears_history=reached[1] not in ("verify", "born"))


def _target_of_right_code(persona: Persona, conversation: str, target: StepId) -> StepId:
    """Return where the right code leads."""
    if persona.is_locked:
        return conversation, "locked"
    if persona.chat_state == "stopped":
        return conversation, "paused"
    if persona.chat_state == "paused" or persona.is_guarded:
        return conversation, "born" if conversation == "suspend" else "verify"
    if conversation == "pay":
        return conversation, _PAY_STEPS.get(persona.card_state, "made")
    if conversation == "status":
        is_over = persona.card_state in ("revoked", "expired")
        return conversation, "done" if is_over or persona.chat_state == "linked" else "offer"
    if conversation in _NOTHING_TO_DO:
        return conversation, _change_step(persona, conversation, target[1])
    return target


def _button_edges(
    persona: Persona, step_id: StepId, button: ButtonTransition
) -> Iterator[PathEdge]:
    conversation, key = step_id[0], button.key
    target = resolve_target(button.target, conversation)
    if key.startswith("known"):
        return  # for a chat that is linked to several people
    if key in ("suspend", "tell", "resume") and button.effect is not None:
        if persona.card_state in _NOT_POSSIBLE:
            target = conversation, _NOT_POSSIBLE[persona.card_state]
        elif persona.card_state in _NOTHING_TO_DO[conversation]:
            target = conversation, "already"
        elif key != "tell" and persona.chat_state not in ("linked", "paused"):
            target = conversation, "offer"
        yield PathEdge(key, target, clears_history=True)
    elif key == "mail" and button.effect is not None and persona.chat_state == "unmailed":
        if conversation != "suspend":  # where the card number is left
            yield PathEdge(key, (conversation, "mail_limit"), clears_history=True)
    elif step_id == ("retrieve", "ready"):
        is_kept = persona.card_state not in _ACTIVATED
        yield PathEdge(key, target if is_kept else (conversation, "not_kept"), clears_history=True)
    else:
        yield PathEdge(key, target, clears_history=step_id[1] == "offer")


def find_path(
    conversations: Conversations,
    persona: Persona,
    goal: StepId,
    edges_from: EdgeFinder = find_edges,
) -> list[PathEdge] | None:
    """Return the shortest path from the first step of any conversation; `None` if there is none."""
    own, _ = goal
    starts = [(name, conversations[name].initial) for name in dict.fromkeys([own, *conversations])]
    paths: dict[StepId, list[PathEdge]] = {}
    for start in starts:
        queue = deque([start])
        paths.setdefault(start, [PathEdge(f"link:{start[0]}", start, clears_history=True)])
        while queue:
            step_id = queue.popleft()
            if step_id == goal:
                return paths[step_id]
            conversation, name = step_id
            for edge in edges_from(persona, step_id, conversations[conversation].steps[name]):
                if edge.target not in paths:
                    paths[edge.target] = [*paths[step_id], edge]
                    queue.append(edge.target)
    return None


def plan_visit(
    conversations: Conversations, goal: StepId, edges_from: EdgeFinder = find_edges
) -> tuple[Persona, list[PathEdge]]:
    """Return a persona that can reach a step, and the path; a deep link if there is no other."""
    step = conversations[goal[0]].steps[goal[1]]
    for persona in PERSONAS:
        path = find_path(conversations, persona, goal, edges_from)
        if path is not None and (
            step.secret_input is None or input_at(persona, goal, step, edges_from)
        ):
            return persona, path
    assert not step.requires, f"nobody comes to {goal[0]}/{goal[1]}"
    return PERSONAS[0], [PathEdge("link:" + "-".join(goal), goal, clears_history=True)]


def input_at(persona: Persona, step_id: StepId, step: Step, edges_from: EdgeFinder) -> str | None:
    """Return what a persona types at a step to go on; `None` if nothing."""
    actions = [edge.action for edge in edges_from(persona, step_id, step)]
    typed = [action for action in actions if action.startswith("typed:")]
    return typed[-1].partition(":")[2] if typed else None
