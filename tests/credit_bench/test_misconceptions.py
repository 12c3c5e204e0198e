"""Every misconception is recognised in a faulty estimator, and none is seen in a sound one."""

import faulty
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maca_edu.credit_bench import OTHERS, Bench, Estimator, check, critics, games, make_batch, measures, ranked
from maca_edu.credit_bench.moments import every_row

NAMES = {"fridge", "climb", "random 101", "warehouse"}


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench([m for m in games.all_games() if m.name in NAMES], sizes=())


def found(bench: Bench, function) -> tuple[list[str], list[str]]:
    """The names of what is wrong, and of the notes."""
    findings = bench.score(Estimator("faulty", function)).findings
    return [f.name for f in findings if f.wrong], [f.name for f in findings if not f.wrong]


@pytest.mark.parametrize("function", faulty.WRONG, ids=lambda f: f.__name__)
def test_a_misconception_is_named(bench, function):
    assert found(bench, function)[0] == [faulty.WRONG[function]]


@pytest.mark.parametrize("function", faulty.SCALED, ids=lambda f: f.__name__)
def test_a_detached_scale_is_noted_and_does_no_harm(bench, function):
    wrong, notes = found(bench, function)
    assert not wrong
    assert "scale" in notes


@pytest.mark.parametrize("function", faulty.NOTED, ids=lambda f: f.__name__)
def test_an_unbiased_estimator_is_not_blamed_for_its_rows_or_its_units(bench, function):
    wrong, notes = found(bench, function)
    assert not wrong
    assert faulty.NOTED[function] in notes


@pytest.mark.parametrize("name", faulty.SOUND)
def test_a_sound_estimator_is_left_alone(bench, name):
    wrong, notes = found(bench, faulty.SOUND[name])
    assert not wrong
    assert set(notes) <= {"no-baseline", "critic"}
    assert ("critic" in notes) == (name == "utilities")


def test_a_row_in_its_own_baseline_is_noted(bench):
    assert found(bench, faulty.batch_mean) == ([], ["batch", "own-sample"])
    others = next(e for e in OTHERS if e.name == "leave-one-out")
    assert found(bench, others.function) == ([], ["batch"])


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.floats(-2, 2), st.integers(0, 5))
def test_any_mixture_of_legal_baselines_is_unbiased(weights, swap, seed):
    """A property: whatever is subtracted, as long as it does not know a_i."""
    moments = games.random_game(seed, n_agents=3, n_actions=2)
    rows = every_row(moments)
    batch = make_batch(moments, rows, critics.exact(moments))
    legal = np.tensordot(weights, batch.baselines, axes=1) + swap * batch.best
    advantage = batch.returns[:, None] - legal
    measured = measures.measure(moments, measures.truth(moments), rows, advantage, batch.returns, sampled=False)
    assert measured.gradient.bias < 1e-9
    assert measured.variance >= 1 - 1e-9


def test_the_ring_grows_for_the_joint_baseline_alone():
    bench = Bench([games.random_game(7, n_agents=3)], sizes=(4, 16))
    joint = bench.score(Estimator("joint", faulty.SOUND["joint"])).growth
    alone = bench.score(Estimator("individual", faulty.individual)).growth
    assert joint[1].variance > 4 * joint[0].variance
    assert alone[1].variance < 2 * alone[0].variance


def test_the_wrong_come_last_and_the_quiet_first(bench):
    names = ("individual", "joint", "best")
    scores = [bench.score(Estimator(name, faulty.SOUND[name])) for name in names]
    scores.append(bench.score(Estimator("wrong", faulty.others_out)))
    assert [score.estimator.name for score in ranked(scores)] == ["best", "individual", "joint", "wrong"]


def test_check_is_one_line_in_anothers_test():
    assert check(faulty.individual, variance=3).variance("exact") < 3
    with pytest.raises(AssertionError, match="own action in its baseline"):
        check(faulty.others_out)
    with pytest.raises(AssertionError, match=r"times the least variance; allowed is 2"):
        check(faulty.SOUND["joint"], variance=2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda b: b.returns, r"gave shape \(96,\), dtype float64; allowed are numbers of shape \(96, 5\)"),
        (lambda b: None, "gave .*; allowed are numbers"),
        (lambda b: b.returns[:, None] * np.nan, "not finite"),
        (lambda b: b.nothing, "failed: AttributeError"),
        (lambda b: (faulty.individual(b), b.corrset[0]), "no CorrSets of shape"),
    ],
)
def test_what_is_no_advantage_is_refused_in_a_sentence(bench, function, message):
    with pytest.raises(ValueError, match=message):
        bench.score(Estimator("yours", function))


def test_an_estimator_of_zeros_has_no_gradient(bench):
    score = bench.score(Estimator("zeros", faulty.nothing))
    assert [f.sentence for f in score.findings if f.wrong] == [
        "has no gradient: its mean is zero on every game, where the true one is not; on average its advantages do not "
        "depend on the agent's own action"
    ]
    assert {m.gradient.length for m in score.of("exact")} == {0}
    with pytest.raises(AssertionError, match="yours has no gradient: its mean is zero"):
        check(faulty.nothing)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (
            faulty.paid_now_tenfold,
            "sees one step only: what is paid later counts 0 times, and what is paid at once 10",
        ),
        (
            faulty.paid_twice,
            "what is paid later counts 1 times, and what is paid at once 2 times, which turns the",
        ),
        (
            faulty.over_states_deviation,
            "scales each state by itself, from 0.187 to 9.24, which turns the mean",
        ),
        (faulty.two_exchanged, "pays the wrong agents: of 5, 0 that of 1, 1 that of 0"),
        (faulty.neighbours, "of 5, 0 that of 3, 1 that of 4, 2 that of 0, 3 that of 1, 4 that of 2"),
        (faulty.reshaped, "where in the batch the row stands; read as [n, S] and transposed it does not"),
        (faulty.clipped, "is not linear in the rewards"),
    ],
)
def test_the_sentence_says_what_was_seen(bench, function, sentence):
    (wrong,) = [f for f in bench.score(Estimator("faulty", function)).findings if f.wrong]
    assert sentence in wrong.sentence


def test_check_fails_where_a_scale_hides_a_turn():
    with pytest.raises(AssertionError, match=r"yours scales each state by itself, .* on warehouse"):
        check(faulty.over_states_deviation)


def test_an_estimator_may_write_to_its_batch_and_is_told_so(bench):
    def greedy(batch):
        batch.returns[:] -= batch.value
        return np.repeat(batch.returns[:, None], batch.action.shape[1], axis=1)

    joint = bench.score(Estimator("joint", faulty.SOUND["joint"]))
    twice = [bench.score(Estimator("greedy", greedy)) for _ in range(2)][1]
    assert [(f.name, f.wrong) for f in twice.findings] == [("writes", False)]
    assert twice.findings[0].sentence.startswith("writes to the batch that it is given (returns): ")
    assert "writes" not in {f.name for f in joint.findings}
    assert [m.variance for m in twice.of("exact")] == pytest.approx([m.variance for m in joint.of("exact")])
