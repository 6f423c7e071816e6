"""The engine against its contract, for random rules in every zone of the database.

`make proof` tries 100,000 examples of each property instead of 400.
"""

from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.availability import Span
from tests.availability.reference import slots_by_definition
from tests.availability.strategies import NOTHING, Situation, distances, situations
from tests.support.examples import tried

examples = tried(400, in_proof=100_000)


@examples
@given(situations())
def test_the_open_slots_are_those_of_the_definition(situation: Situation) -> None:
    rules, busy, asked = situation
    assert situation.slots() == slots_by_definition(rules, busy, **asked)


@examples
@given(situations())
def test_every_offered_slot_could_be_held(situation: Situation) -> None:
    rules, busy, asked = situation
    for start in situation.slots():
        held = Span(start - rules.buffer_before, start + rules.duration + rules.buffer_after)
        assert not any(held.overlaps(other) for other in busy)
        assert start >= asked["now"] + rules.notice


@examples
@given(situations(), st.data())
def test_asking_in_two_parts_gives_the_same_as_asking_once(
    situation: Situation, data: st.DataObject
) -> None:
    start, end = situation.asked["start"], situation.asked["end"]
    between = start + data.draw(distances(NOTHING, end - start))
    parts = situation.slots(end=between) + situation.slots(start=between)
    assert parts == situation.slots()


@examples
@given(situations(), st.randoms())
def test_neither_order_nor_overlap_of_busy_spans_matters(
    situation: Situation, random: Random
) -> None:
    shuffled = random.sample(situation.busy, len(situation.busy))
    halves = [span for whole in shuffled for span in two_touching(whole)]
    once = situation.slots()
    assert situation._replace(busy=shuffled).slots() == once
    assert situation._replace(busy=halves + shuffled).slots() == once


def two_touching(span: Span) -> tuple[Span, Span]:
    middle = span.start + (span.end - span.start) / 2
    return Span(span.start, middle), Span(middle, span.end)


@examples
@given(situations(), distances(NOTHING, timedelta(days=3)))
def test_slots_go_as_time_passes_but_never_move(situation: Situation, passed: timedelta) -> None:
    unbounded = situation._replace(rules=replace(situation.rules, horizon_days=None))
    later = unbounded.asked["now"] + passed
    soonest = later + situation.rules.notice
    assert unbounded.slots(now=later) == [slot for slot in unbounded.slots() if slot >= soonest]
