"""The scores as text, and as files: summary.csv, games.csv, growth.csv."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict
from pathlib import Path

from maca_edu.credit_bench.findings import is_biased, is_turned
from maca_edu.credit_bench.measures import Gradient
from maca_edu.credit_bench.score import Result, Score
from maca_edu.files import write_whole

ALIKE = 1e-9  # relative
LEVELS, SHOWN = 3, 8  # levels that tables have, and estimators that fit beside each other


def number(x: float | None, digits: int = 2) -> str:
    """A number as text; a dash where there is none."""
    return "-" if x is None or not math.isfinite(x) else f"{round(x, digits) + 0.0:.{digits}f}"  # no -0.00


def mean(values) -> float | None:
    """The mean of those that are there; None where none is."""
    there = [x for x in values if x is not None and math.isfinite(x)]
    return sum(there) / len(there) if there else None


def rows_as_text(rows: list[tuple[str, ...]]) -> str:
    """Columns one under the other, the first to the left and the rest to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def merged(scores: list[Score]) -> list[tuple[Score, list[str]]]:
    """Scores without repetition, each with the names of the estimators that have the same numbers in every game."""
    groups: list[tuple[Score, list[str]]] = []
    for score in scores:
        for first, names in groups:
            if alike(first, score):
                names.append(score.estimator.name)
                break
        else:
            groups.append((score, [score.estimator.name]))
    return groups


def alike(one: Score, other: Score) -> bool:
    """Whether two estimators have the same variances and biases in all games."""
    if [r[:2] for r in one.results] != [r[:2] for r in other.results]:
        return False
    pairs = [
        (getattr(a.measures, name), getattr(b.measures, name))
        for a, b in zip(one.results, other.results, strict=True)
        for name in ("variance", "error")
    ]
    return all(math.isclose(x, y, rel_tol=ALIKE) for x, y in pairs)


def levels(score: Score) -> list[float | None]:
    """Correlations with the true credit of levels 1, 2 and 3, means over the games that have the level."""
    return [mean(m.correlation[k] for m in score.of("exact") if k < len(m.correlation)) for k in range(LEVELS)]


def worst_bias(score: Score, critic: str) -> float | None:
    """The largest bias over the games, in shares of the true gradient, where it is no accident, and 0 elsewhere.

    None where the critic was not asked.
    """
    return max((g.bias if is_biased(g) else 0.0 for g in gradients(score, critic)), default=None)


def worst_turn(score: Score, critic: str) -> float | None:
    """The same of what no scale takes away."""
    return max((g.turn if is_turned(g) else 0.0 for g in gradients(score, critic)), default=None)


def gradients(score: Score, critic: str) -> list[Gradient]:
    """The mean gradients with one critic, game by game."""
    return [m.gradient for m in score.of(critic)]


def groups_of(score: Score, critic: str) -> tuple[float | None, float | None]:
    """Mean precision and recall of CorrSets with one critic."""
    found = [m.groups for m in score.of(critic) if m.groups is not None]
    return mean(g.precision for g in found), mean(g.recall for g in found)


SUMMARY = (
    "estimator", "error", "bias", "turn", "bias, fitted", "variance", "variance, fitted", "partners", "others",
    "level 1", "level 2", "level 3", "precision", "recall", "n = 4", "n = 64", "us",
)  # fmt: skip


GAMES = (
    "estimator", "game", "critic", "bias", "scale", "turn", "variance", "error", "signal", "partners", "others",
    "level 1", "level 2", "level 3", "precision", "recall",
)  # fmt: skip


def summary_row(score: Score, name: str) -> tuple[str, ...]:
    """One line of the summary."""
    exact, growth = score.of("exact"), score.growth
    precision, recall = groups_of(score, "fitted")
    return (
        name,
        number(score.error),
        number(worst_bias(score, "exact")),
        number(worst_turn(score, "exact")),
        number(worst_bias(score, "fitted")),
        number(score.variance("exact")),
        number(score.variance("fitted")),
        number(mean(m.kept.partners for m in exact)),
        number(mean(m.kept.others for m in exact)),
        *(number(x) for x in levels(score)),
        number(precision),
        number(recall),
        number(growth[0].variance if growth else None),
        number(growth[-1].variance if growth else None, 1),
        number(growth[-1].microseconds if growth else None),
    )


def summary(scores: list[Score]) -> str:
    """Ranked estimators, those that agree on one line, what the bench leaves out of them, and what was found."""
    groups = merged(scores)
    text = [rows_as_text([SUMMARY, *(summary_row(score, names[0]) for score, names in groups)])]
    same = [
        f"the same as {names[0]}, given the same critic: {', '.join(names[1:])}" for _, names in groups if names[1:]
    ]
    noted = [f"{score.estimator.name} {score.estimator.note}" for score in scores if score.estimator.note]
    found = [f"{names[0]} {finding.sentence}" for score, names in groups for finding in score.findings]
    return "\n\n".join(part for part in (text[0], "\n".join(same + noted), "\n".join(found)) if part)


def by_game(scores: list[Score]) -> str:
    """The variance over the least, game by game, exact critic."""
    groups = merged(scores)
    games = [r.game for r in groups[0][0].results if r.critic == "exact"]
    rows = [("variance over the least", *games)]
    rows += [(names[0], *(number(m.variance) for m in score.of("exact"))) for score, names in groups]
    return rows_as_text(rows)


def by_level(scores: list[Score]) -> str:
    """The correlation with the true credit of every level that a game has, exact critic; the first SHOWN estimators."""
    groups = merged(scores)[:SHOWN]
    found = [{r.game: r.measures.correlation for r in score.results if r.critic == "exact"} for score, _ in groups]
    rows = [("correlation with the true credit", *(names[0] for _, names in groups))]
    for game, levels in found[0].items():
        for k in range(min(len(levels), LEVELS)):
            if levels[k] is not None:
                rows.append((f"{game}, level {k + 1}", *(number(by_game[game][k]) for by_game in found)))
    return rows_as_text(rows)


def by_size(scores: list[Score]) -> str:
    """The growth with the team."""
    groups = merged(scores)
    rows = [("variance over the least, ring", *(f"n = {g.n_agents}" for g in groups[0][0].growth))]
    rows += [(names[0], *(number(g.variance, 1) for g in score.growth)) for score, names in groups]
    return rows_as_text(rows)


def as_text(scores: list[Score]) -> str:
    """Everything that the command prints."""
    parts = [summary(scores), by_game(scores), by_level(scores)]
    if scores[0].growth:
        parts.append(by_size(scores))
    return "\n\n".join(parts)


def as_json(scores: list[Score]) -> str:
    """Everything that was measured, a list of estimators, the best first; what is no number is null."""
    return json.dumps([cleaned(record(score)) for score in scores], indent=1)


def record(score: Score) -> dict:
    """One estimator."""
    estimator = score.estimator
    return {
        "estimator": estimator.name,
        "formula": estimator.formula,
        "source": estimator.source,
        "note": estimator.note,
        "error": score.error,
        "wrong": score.wrong,
        "findings": [finding._asdict() for finding in score.findings],
        "behaviour": asdict(score.behaviour),
        "results": [result_record(result) for result in score.results],
        "growth": [growth._asdict() for growth in score.growth],
    }


def result_record(result: Result) -> dict:
    """One game."""
    m = result.measures
    return {
        "game": result.game,
        "critic": result.critic,
        "gradient": m.gradient._asdict(),
        "variance": m.variance,
        "error": m.error,
        "kept": m.kept._asdict(),
        "correlation": m.correlation,
        "groups": None if m.groups is None else m.groups._asdict(),
    }


def cleaned(x):
    """Records in which every number is finite or None, as JSON needs it."""
    if isinstance(x, dict):
        return {key: cleaned(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [cleaned(value) for value in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x


def write_tables(folder: Path, scores: list[Score]) -> None:
    """summary.csv, games.csv and growth.csv; times are left out, since no two runs agree on them."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = merged(scores)
    summaries = [(*SUMMARY[:-1], "findings", "same numbers")]
    games = [GAMES]
    growth = [("estimator", "n_agents", "variance")]
    for score, names in groups:
        found = " ".join(finding.name for finding in score.findings)
        summaries.append((*summary_row(score, names[0])[:-1], found, " ".join(names[1:])))
        games += [game_row(names[0], result) for result in score.results]
        growth += [(names[0], g.n_agents, number(g.variance, 3)) for g in score.growth]
    for name, rows in (("summary.csv", summaries), ("games.csv", games), ("growth.csv", growth)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        write_whole(folder / name, text.getvalue())


def game_row(name: str, result: Result) -> tuple:
    """One line of games.csv."""
    m = result.measures
    correlation = (*m.correlation, None, None)[:3]
    groups = (None, None) if m.groups is None else m.groups
    numbers = (m.gradient.bias, m.gradient.scale, m.gradient.turn, m.variance, m.error, *m.kept, *correlation, *groups)
    return (name, result.game, result.critic, *(number(x, 4) for x in numbers))
