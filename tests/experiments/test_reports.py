"""Tables of results: what is read, what is computed of it, how it is written, and the paper's numbers beside it."""

import csv
import io
import json
import math
import shlex

import numpy as np
import pytest
import scipy.stats
from made_results import battles, write_results

from maca_edu.cli import main
from maca_edu.experiments.reports import formats
from maca_edu.experiments.reports.comparison import compare, parse_arm
from maca_edu.experiments.reports.marl_eval import marl_eval
from maca_edu.experiments.reports.method_tables import TABLE_1, costs_table, methods_table
from maca_edu.experiments.reports.published import bold, costs, differences, in_paper, published, task_of
from maca_edu.experiments.reports.records import Cell, Report, Table, words
from maca_edu.experiments.reports.result_tables import results_table
from maca_edu.experiments.reports.results import read_results
from maca_edu.experiments.reports.settings import arm_in_table
from maca_edu.training.methods import METHODS

PAPER_STEPS = (8_000_000, 8_000_000)
NO_OBJECT = ("", "[1", "[1]", "7", "null", '"x"', "[" * 100_000, f'{{"seeds": {"9" * 5_000}}}')
NOT_FINITE = ("nan", "inf", "-inf")
ONE_NAME = ("maca", "maca sigma=0.2")
TWO = {("smax/5m_vs_6m", "mappo"): [0.4, 0.5, 0.6], ("smax/5m_vs_6m", "maca"): [0.8, 0.9, 1.0]}


def table(folder, number=2):
    """{(environment or paper, arm): cell} of the table in the paper's shape."""
    shape = results_table(number, read_results([folder])).tables[0]
    return {(row[0].text, name): cell for row in shape.rows for name, cell in zip(shape.columns, row, strict=True)}


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def test_results_are_read_from_folders_and_folders_of_folders(tmp_path):
    write_results(tmp_path / "all" / "one", TWO)
    write_results(tmp_path / "all" / "two", {("smax/3m", "maca"): [1.0]})
    runs = read_results([tmp_path / "all"])
    assert [run.key for run in runs] == [
        *(("smax/5m_vs_6m", arm, seed) for arm in ("mappo", "maca") for seed in range(3)),
        ("smax/3m", "maca", 0),
    ]
    assert [run.win_rate for run in runs] == [0.4, 0.5, 0.6, 0.8, 0.9, 1.0, 1.0]
    assert {run.steps for run in runs} == {200_000}
    assert runs[0].about.facts == (("date", "2026-11-29"), ("versions", "torch 2.13.0"), ("commit", "abc123"))
    assert all(math.isnan(run.best_win_rate) for run in runs)
    (run,) = read_results([write_results(tmp_path / "best", {("smax/3m", "maca"): [0.5]}, best=True)])
    assert (run.best_win_rate, run.best_return_mean) == (0.6, 1.1)


def test_the_same_run_counts_once_and_another_of_its_name_is_refused(tmp_path):
    one, two = write_results(tmp_path / "one", TWO), write_results(tmp_path / "two", TWO)
    assert len(read_results([one, two])) == 6
    other = write_results(tmp_path / "other", {("smax/5m_vs_6m", "maca"): [0.1]})
    with pytest.raises(ValueError, match=r"different numbers for 'maca' in smax/5m_vs_6m, seed 0; name one of them"):
        read_results([one, other])


def test_what_is_no_result(tmp_path):
    with pytest.raises(ValueError, match=r"has no final.csv; name a directory that maca-edu sweep wrote"):
        read_results([tmp_path])
    folder = write_results(tmp_path / "one", TWO)
    for text in NO_OBJECT:
        (folder / "sweep.json").write_text(text)
        with pytest.raises(ValueError, match=r"sweep.json' is damaged: it does not say what was run$"):
            read_results([folder])
    (folder / "sweep.json").unlink()
    whole = (folder / "measured.csv").read_text()
    for text in ("env,method\nsmax/3m,maca\n", whole.replace("2.5", "x")):
        (folder / "measured.csv").write_text(text)
        with pytest.raises(ValueError, match=r"measured.csv' is damaged: row 1 is not what a run measured$"):
            read_results([folder])
    (folder / "measured.csv").unlink()
    (folder / "final.csv").write_text("env,method\nsmax/3m,maca\n")
    with pytest.raises(ValueError, match=r"final.csv' is damaged: row 1 is not the result of a run"):
        read_results([folder])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: text.rindex("1.8") + 2], "its last line has no end, so the file was cut off"),
        (lambda text: text[: text.rindex("1.8") + 2] + "\n", "row 6 has not as many cells as the first line"),
        *((lambda text, x=x: text.replace(",0.4\n", f",{x}\n"), "row 1 is not the result") for x in ("-3", "7", "inf")),
        *((lambda text, x=x: text.replace(",1.8,", f",{x},"), "row 5 is not the result") for x in ("inf", "nan", "")),
        (lambda text: text.replace("mappo,0", "mappo,-4"), "row 1 is not the result of a run"),
    ],
)
def test_no_result_is_believed_that_cannot_be(tmp_path, change, message):
    file = write_results(tmp_path / "r", TWO) / "final.csv"
    file.write_text(file.read_text().replace(",2.0,0.1,1.0", ",1.81,0.1,0.9"))
    file.write_text(change(file.read_text()))
    with pytest.raises(ValueError, match=f"final.csv' is damaged: {message}"):
        read_results([tmp_path / "r"])


def test_in_one_environment_all_runs_can_win_or_none(tmp_path):
    file = write_results(tmp_path / "r", TWO) / "final.csv"
    file.write_text(file.read_text().replace(",0.4\n", ",\n"))
    with pytest.raises(ValueError, match=r"some runs in smax/5m_vs_6m have a win rate and others not, such as seed 1"):
        read_results([tmp_path / "r"])
    won = write_results(tmp_path / "won", {("toy/a", "maca"): [0.5]})
    not_won = write_results(tmp_path / "not", {("toy/a", "mappo"): [0.5]}, wins=False)
    with pytest.raises(ValueError, match=r"some runs in toy/a have a win rate and others not"):
        compare(parse_arm(str(won)), parse_arm(str(not_won)))


def seeds_after(folder, first, **options):
    """A results directory of mappo in Fridge, its three seeds from `first` on."""
    write_results(folder, {("toy/fridge", "mappo"): [4.0, 4.5, 5.0]}, wins=False, **options)
    for file in (folder / "final.csv", folder / "curves.csv"):
        lines = file.read_text().splitlines()
        cells = [line.split(",") for line in lines[1:]]
        lines[1:] = [",".join([*x[:2], str(int(x[2]) + first), *x[3:]]) for x in cells]
        file.write_text("\n".join(lines) + "\n")
    (folder / "measured.csv").unlink()
    return folder


OF_SETTINGS = "maca-edu sweep --envs toy/fridge --methods mappo --seeds 3 --steps 200000 --options="
UNLIKE = [
    (dict(steps=1_000), "200,000 environment-steps, seed 3 in '{two}' has 1,000 environment-steps"),
    (
        dict(command=OF_SETTINGS + "'--lr 0.1'"),
        "the options '--lr 0.001', seed 3 in '{two}' has the options '--lr 0.1'",
    ),
    (dict(command="maca-edu sweep toys --budget small"), "the options '--lr 0.001', seed 3 in '{two}' has the options"),
]


@pytest.mark.parametrize(("other", "message"), UNLIKE)
def test_runs_that_were_not_trained_alike_are_no_arm(tmp_path, other, message):
    one = seeds_after(tmp_path / "one", 0, command=OF_SETTINGS + "'--lr 0.001'")
    two = seeds_after(tmp_path / "two", 3, **{"command": OF_SETTINGS + "'--lr 0.001'"} | other)
    own = seeds_after(tmp_path / "a", 6, command="python mine.py")  # of which only the steps are known
    with pytest.raises(ValueError, match="the runs of 'mappo' in toy/fridge were not trained alike") as caught:
        read_results([one, two])
    with pytest.raises(ValueError, match="the runs of 'mappo' in toy/fridge were not trained alike"):
        read_results([own, one, two])
    assert f"seed 0 in '{one}' has {message.format(two=two)}" in str(caught.value)


@pytest.mark.parametrize("options", ["--lr 1e-3 --evaluate-every 5 --diagnose-every 0", "--preset toy --lr 0.001"])
def test_what_changes_no_training_may_differ(tmp_path, options):
    seeds_after(tmp_path / "one", 0, command=OF_SETTINGS + "'--lr 0.001'")
    seeds_after(tmp_path / "two", 3, command=f"{OF_SETTINGS}'{options}'")
    seeds_after(tmp_path / "own", 6, command="python mine.py")  # of which only the steps are known
    assert len(read_results([tmp_path])) == 9


def test_a_plan_of_different_settings_makes_no_arm(tmp_path):
    folder = write_results(tmp_path / "r", {("toy/ring", "maca"): [1.0, 2.0]}, wins=False)
    lines = (f"toy/ring,maca,{seed},8192,--lr {0.1 + seed}\n" for seed in range(2))
    (folder / "plan.csv").write_text("env,arm,seed,steps,options\n" + "".join(lines))
    with pytest.raises(ValueError, match=r"has the options '--lr 0.1', seed 1 in .* has the options '--lr 1.1'"):
        read_results([folder])


# ---------------------------------------------------------------------------------------------------------------------
# The paper's numbers


def test_the_papers_tables_are_whole():
    assert [len(published(number)) for number in (2, 3, 5, 16, 17)] == [77, 16, 21, 24, 10]
    assert [row.method for row in costs()] == ["mappo", "ippo", "coma", "happo", "ppo-mix", "ppo-sum", "maca"]
    assert {cell.seeds for number in (2, 3, 5, 16, 17) for cell in published(number)} == {5}
    assert in_paper(2, "smax/25m?walls=false")["happo"][4:] == (85.8, 0.8, 3_000_000, 5)
    assert in_paper(5, "mpe/simple_spread")["maca"][4:6] == (-61.95, 1.44)


def test_maca_has_one_number_in_all_tables_of_the_paper():
    """Tables 3, 16 and 17 repeat a cell of Table 2: MACA with the settings of Tables 10 and 11."""
    main_cells = {cell.task: cell[4:6] for cell in published(2) if cell.arm == "maca"}
    repeated = [cell for cell in published(3) if cell.arm == "maca"]
    repeated += [cell for cell in published(17) if cell.arm == "maca sigma=1/n"]
    clip = {"SMAC": "0.05", "SMACv2": "0.1"}
    repeated += [cell for cell in published(16) if cell.arm == f"maca epochs=10 clip={clip[cell.benchmark]}"]
    assert len(repeated) == 8
    assert all(cell[4:6] == main_cells[cell.task] for cell in repeated)


def test_the_papers_marks_are_the_t_test_of_its_numbers():
    cells = in_paper(2, "smac/5m_vs_6m")
    test = scipy.stats.ttest_ind_from_stats(87.0, 2.0, 5, 78.0, 0.9, 5)
    assert test.pvalue < 0.05
    assert bold(cells) == {"maca"}
    assert bold(in_paper(2, "smac/25m")) == {"maca", "mappo", "ippo"}


def test_what_differs():
    said = differences(2, "smax/5m_vs_6m", (20_480, 204_800), (3, 5), ("quick", "toy", "paper"))
    assert said == (
        "SMAX, not StarCraft II; 20.48k to 204.8k of 8M steps; 3 to 5 of 5 seeds; "
        "preset quick and toy, not the paper's settings"
    )
    assert differences(2, "smac/5m_vs_6m", PAPER_STEPS, (5, 5), ("paper",)) == "nothing that the results say"
    assert differences(2, "smax/3m", (100, 100), (1, 1), (None,)) == "the paper has no such task; 100 steps, 1 seed"
    assert "self-collisions" in differences(5, "mpe/simple_spread", PAPER_STEPS, (5, 5), ("paper",))
    assert "self-collisions" not in differences(5, "mpe/simple_spread?collisions=v2", PAPER_STEPS, (5, 5), ("paper",))
    assert "discrete actions" in differences(
        5, "jaxmpe/simple_reference?continuous=false", (100, 100), (5, 5), ("quick",)
    )
    assert task_of("toy/warehouse?preset=practice") == "warehouse"


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def test_a_table_by_hand(tmp_path):
    cells = table(write_results(tmp_path / "r", TWO))
    assert cells["smax/5m_vs_6m", "maca"] == Cell("90.0 (10.0)", strong=True)
    assert cells["smax/5m_vs_6m", "mappo"] == Cell("50.0 (10.0)", strong=False)
    assert cells["smax/5m_vs_6m", "happo"] == Cell("")
    assert cells["paper, Table 2", "mappo"] == Cell("75.2 (1.5)", strong=False)
    report = results_table(2, read_results([tmp_path / "r"]))
    assert [cell.text for cell in report.tables[1].rows[0]] == [
        "smax/5m_vs_6m",
        "SMAC, 8M steps, 5 seeds",
        "SMAX, not StarCraft II; 200k of 8M steps; 3 of 5 seeds; preset quick, not the paper's settings",
    ]
    maca, mappo = report.summaries
    assert (maca.arm, maca.unit, maca.seeds, maca.steps) == ("maca", "per cent won", 3, 200_000)
    assert (mappo.mean, mappo.std) == pytest.approx((50, 10))
    ends = scipy.stats.ttest_1samp([40, 50, 60], 0).confidence_interval(0.95)
    assert (mappo.low, mappo.high) == pytest.approx((ends.low, ends.high))
    assert (mappo.improvement, maca.improvement) == pytest.approx((1, math.nan), nan_ok=True)
    assert (mappo.paper_mean, mappo.paper_std) == (75.2, 1.5)
    # mappo's lines end at 40, 50 and 60 per cent, and reach 50 never, at the fifth point and at the fifth point
    assert (mappo.steps_to_level, maca.steps_to_level) == (200_000, 120_000)


def test_steps_to_another_level(tmp_path):
    folder = write_results(tmp_path / "r", TWO)
    maca, mappo = results_table(2, read_results([folder]), level=55.0).summaries
    assert (maca.steps_to_level, mappo.steps_to_level) == (160_000, math.inf)


def test_no_test_from_one_seed(tmp_path):
    folder = write_results(tmp_path / "r", {("smax/3m", "maca"): [0.9], ("smax/3m", "mappo"): [0.1, 0.2]})
    report = results_table(2, read_results([folder]))
    cells = table(folder)
    assert cells["smax/3m", "maca"] == Cell("90.0 (one seed)")
    assert not cells["smax/3m", "mappo"].strong
    assert [row.as_good_as_the_best for row in report.summaries] == [None, None]
    assert "One seed, so no standard deviation, no interval and no test: maca in smax/3m." in report.notes
    assert "With fewer than three seeds nothing can be concluded." in report.notes


@pytest.mark.parametrize(("seeds", "said"), [(1, True), (3, True), (4, False)])
def test_where_the_iqm_is_the_mean_it_is_said(tmp_path, seeds, said):
    scores = {("smax/3m", "maca"): [0.9, 0.1, 0.8, 0.7][:seeds], ("smax/3m", "mappo"): [0.1, 0.5, 0.6, 0.7]}
    report = results_table(2, read_results([write_results(tmp_path / "r", scores)]))
    note = "With fewer than four seeds in a task nothing is left out there, and the IQM is the mean."
    assert (note in report.notes) == said
    maca = report.summaries[0]
    assert (maca.iqm == pytest.approx(maca.mean)) == said


def test_the_absolute_metric_is_shown_where_it_is_there(tmp_path):
    old, new = write_results(tmp_path / "old", TWO), write_results(tmp_path / "new", TWO, best=True)
    assert "best checkpoint" not in results_table(2, read_results([old])).tables[2].columns
    details = results_table(2, read_results([new])).tables[2]
    row = dict(zip(details.columns, details.rows[0], strict=True))
    assert (row["arm"].text, row["best checkpoint"].text) == ("maca", "96.7 (5.8)")


def test_tasks_are_put_together(tmp_path):
    report = results_table(2, read_results([battles(tmp_path / "r")]))
    assert [row.env for row in report.summaries][::8] == ["smax/smacv2_5_units", "smax/protoss_5_vs_5", "smax/5m_vs_6m"]
    together = report.tables[3]
    assert together.title.startswith("Over 3 tasks")
    assert together.columns == ("arm", "IQM over all runs", "P(maca better)")
    arms = ["maca", "mappo", "ippo", "ppo-mix", "ppo-sum", "coma", "happo", "maca-multilinear"]
    assert [row[0].text for row in together.rows] == arms
    assert together.rows[1][2].text == "1.00 (1.00 to 1.00)"
    returns = write_results(tmp_path / "o", {("toy/a", "maca"): [1, 2], ("toy/b", "maca"): [3, 4]}, wins=False)
    assert len(results_table(2, read_results([returns])).tables) == 3  # returns of two games have no common unit


def test_returns_have_the_papers_digits(tmp_path):
    scores = {("mpe/simple_spread", "maca"): [-60.0, -61.0], ("mpe/simple_spread", "mappo"): [-50.5, -50.0]}
    cells = table(write_results(tmp_path / "r", scores, wins=False), number=5)
    assert cells["mpe/simple_spread", "maca"].text == "−60.50 (0.71)"
    assert cells["paper, Table 5", "maca"] == Cell("−61.95 (1.44)", strong=True)


@pytest.mark.parametrize(
    ("number", "arm", "command", "name"),
    [
        (16, "maca clip=0.05 epochs=10", "", "maca epochs=10 clip=0.05"),
        (16, "maca clip=0.075", "maca-edu sweep table3 --budget paper", "maca epochs=10 clip=0.075"),
        (16, "maca", "maca-edu sweep mine.csv", "maca epochs=not known clip=not known"),
        (16, "maca epochs=10", "python mine.py", "maca epochs=10 clip=not known"),
        (16, "maca", "maca-edu sweep table16", "maca epochs=not known clip=not known"),  # has no such environment
        (16, "maca", "maca-edu sweep --options='--epochs 5 --clip 0.1'", "maca epochs=5 clip=0.1"),
        (16, "maca", "maca-edu sweep --envs smax/5m_vs_6m", "maca epochs=5 clip=0.2"),
        (16, "maca lr=0.1", "", "maca lr=0.1"),
        (17, "maca sigma=0.18", "", "maca sigma=0.9/n"),
        (17, "maca", "", "maca sigma=not known"),
        (17, "maca", "maca-edu sweep --envs smac/5m_vs_6m", "maca sigma=1/n"),
        (17, "mappo", "", "mappo"),
        (17, "ours sigma=0.1", "", "ours sigma=0.1"),
        (2, "maca sigma=0.18", "", "maca sigma=0.18"),
    ],
)
def test_arms_stand_under_the_papers_names(tmp_path, number, arm, command, name):
    env = "smac/5m_vs_6m" if "table3" in command else "smax/5m_vs_6m"
    folder = write_results(tmp_path / "r", {(env, arm): [0.5]}, command=command)
    assert arm_in_table(number, read_results([folder])[0]) == name


def test_two_arms_of_one_name_in_a_table_are_not_pooled(tmp_path):
    runs = read_results([write_results(tmp_path / "r", {("smax/5m_vs_6m", arm): [0.5] for arm in ONE_NAME})])
    message = "'maca' and 'maca sigma=0.2' in smax/5m_vs_6m are both 'maca sigma=1/n' in Table 17; choose one of them"
    with pytest.raises(ValueError, match=message):
        results_table(17, runs)
    assert len(results_table(2, runs).summaries) == 2


def test_a_plan_beside_the_tables_says_the_settings(tmp_path):
    folder = write_results(tmp_path / "r", {("toy/ring", "maca"): [1.0]}, command="maca-edu sweep mine.csv")
    (folder / "plan.csv").write_text("env,arm,seed,steps,options\ntoy/ring,maca,0,8192,--epochs 10 --clip .05\n")
    assert arm_in_table(16, read_results([folder])[0]) == "maca epochs=10 clip=0.05"
    (folder / "plan.csv").write_text("env,arm\ntoy/ring,maca\n")
    with pytest.raises(ValueError, match=r"plan.csv' is damaged: row 1 is not a run's env,arm,seed,steps,options$"):
        read_results([folder])


def test_tables_16_and_17_meet_the_papers_columns(tmp_path):
    arms = {("smax/5m_vs_6m", f"maca sigma={sigma}"): [0.5, 0.6] for sigma in ("0.18", "0.19", "0.2", "0.21", "0.22")}
    shape = results_table(17, read_results([write_results(tmp_path / "r", arms)])).tables[0]
    assert shape.columns == ("task", *(cell.arm for cell in published(17)[:5]))
    assert all(cell.text for row in shape.rows for cell in row)


def test_table_1_has_the_papers_rows():
    rows = methods_table().tables[0].rows
    assert [row[0].text for row in rows] == [name for name, *_ in TABLE_1]
    for row in rows:
        assert row[4].text == METHODS[row[0].text].formula
        assert row[1].text == ("sequential" if row[0].text == "happo" else "simultaneous")


def test_table_6_agrees_with_the_paper(tmp_path):
    report = costs_table(read_results([write_results(tmp_path / "r", TWO)]))
    assert {row[3].text for row in report.tables[0].rows} == {"nothing"}
    assert {row[0].text: row[5].text for row in report.tables[0].rows if row[5].text} == {"mappo": "2.5", "maca": "2.5"}


# ---------------------------------------------------------------------------------------------------------------------
# Formats

SMALL = Report("A title", [Table("5 %", ("task", "a_b"), [(Cell("x|y"), Cell("1.0", strong=True))])], ["A note & more"])


def test_markdown():
    assert formats.markdown(SMALL) == (
        "**A title**\n\n*5 %*\n\n| task | a_b |\n|---|--:|\n| x\\|y | **1.0** |\n\n* A note & more\n"
    )


def test_latex():
    text = formats.latex(SMALL)
    assert r"\caption{5 \%}" in text
    assert "\\begin{tabular}{lr}\n\\toprule\ntask & a\\_b \\\\\n\\midrule\nx|y & \\textbf{1.0} \\\\\n" in text
    assert r"\item A note \& more" in text
    maths = Report("", [Table("", ("f",), [(Cell(r"\pi_i", maths=True),)])], [])
    assert "$\\pi_i$ \\\\" in formats.latex(maths)


def test_csv_has_the_numbers(tmp_path):
    report = results_table(2, read_results([write_results(tmp_path / "r", TWO)]))
    rows = list(csv.DictReader(io.StringIO(formats.csv_text(report))))
    assert [(row["arm"], row["mean"], row["as_good_as_the_best"], row["best_mean"]) for row in rows] == [
        ("maca", "90", "True", ""),
        ("mappo", "50", "False", ""),
    ]
    plain = Report("", [Table("", ("a", "b"), [words("x", "1,5")])], [])
    assert formats.csv_text(plain) == 'a,b\nx,"1,5"\n'


def test_marl_evals_json(tmp_path):
    exported = marl_eval(read_results([write_results(tmp_path / "r", TWO)]))
    data = json.loads(exported.text)
    assert list(data) == ["smax"]
    assert list(data["smax"]) == ["5m_vs_6m"]
    assert {arm: list(runs) for arm, runs in data["smax"]["5m_vs_6m"].items()} == {
        "mappo": ["seed_0", "seed_1", "seed_2"],
        "maca": ["seed_0", "seed_1", "seed_2"],
    }
    run = data["smax"]["5m_vs_6m"]["maca"]["seed_0"]
    assert list(run) == ["step_1", "step_2", "step_3", "step_4", "step_5", "absolute_metrics"]
    credit = {"gradient_cosine": [0.9], "variance": [0.4]}
    assert run["step_5"] == {"step_count": 200_000, "return": [1.6], "win_rate": [0.8]} | credit
    assert run["absolute_metrics"] == {"return": [1.6], "win_rate": [0.8]} | credit
    assert len(exported.notes) == 2  # the last policy's numbers, and measures that mappo lacks
    (tmp_path / "best").mkdir()
    maca = {key: scores for key, scores in TWO.items() if key[1] == "maca"}
    exported = marl_eval(read_results([write_results(tmp_path / "best" / "r", maca, best=True)]))
    run = json.loads(exported.text)["smax"]["5m_vs_6m"]["maca"]["seed_0"]
    assert (run["absolute_metrics"]["win_rate"], run["step_1"]["action_r2"]) == ([0.9], [0.02])


def test_points_without_a_number_are_left_out_of_marl_evals_json(tmp_path):
    folder = write_results(tmp_path / "r", {("toy/ring", "maca"): [1.0, 2.0]}, wins=False)
    lines = (folder / "curves.csv").read_text().splitlines()
    lines[1] = "toy/ring,maca,0,40000,nan,,,"
    (folder / "curves.csv").write_text("\n".join(lines) + "\n")
    exported = marl_eval(read_results([folder]))
    runs = json.loads(exported.text)["toy"]["ring"]["maca"]
    assert [run["step_1"]["step_count"] for run in runs.values()] == [80_000, 80_000]
    assert "NaN" not in exported.text
    assert exported.notes[0] == "toy: the steps are running means over training episodes, not evaluations."


def test_marl_eval_wants_runs_alike(tmp_path):
    uneven = write_results(tmp_path / "r", {("smax/3m", "maca"): [0.5], ("smax/3m", "mappo"): [0.5, 0.6]})
    with pytest.raises(ValueError, match="the same number of runs of every arm in smax"):
        marl_eval(read_results([uneven]))
    longer = write_results(tmp_path / "longer", {("smax/8m", "maca"): [0.5], ("smax/8m", "mappo"): [0.5]})
    shorter = write_results(tmp_path / "s", {("smax/3m", "maca"): [0.5], ("smax/3m", "mappo"): [0.5]}, steps=1_000)
    with pytest.raises(ValueError, match="a curve of every run in smax, all measured at the same env_steps"):
        marl_eval(read_results([longer, shorter]))
    other = write_results(tmp_path / "o", {("smax/8m", "maca"): [0.5]})
    with pytest.raises(ValueError, match="the same arms in every task of smax"):
        marl_eval(read_results([uneven, other]))


# ---------------------------------------------------------------------------------------------------------------------
# The command


def test_the_table_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    battles(tmp_path / "runs", envs=("smax/5m_vs_6m",))
    for number in ("1", "6"):
        assert main(["table", number]) == 0
    for number in ("2", "3", "5", "16", "17"):
        for kind, ending in (("markdown", "md"), ("latex", "tex"), ("csv", "csv")):
            assert main(["table", number, "runs", "--format", kind, "--out", f"new/{number}.{ending}"]) == 0
    capsys.readouterr()
    assert main(["table", "2", "runs", "--methods", "maca", "mappo"]) == 0
    shown = capsys.readouterr().out
    assert "| smax/5m_vs_6m | **" in shown
    assert "maca-multilinear" not in shown
    assert main(["table", "2", "runs", "--format", "marl-eval"]) == 0
    found = capsys.readouterr()
    assert list(json.loads(found.out)) == ["smax"]
    assert found.err.startswith("smax: absolute_metrics are of the last policy")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("table 2", "results=[]; name directories that maca-edu sweep wrote"),
        ("table 2 none", "'none' has no final.csv"),
        ("table 2 runs --methods qmix", "methods='qmix'; the results have mappo, ippo"),
        ("table 1 --format marl-eval", "format='marl-eval'; allowed for Table 1 are markdown, latex, csv"),
        (
            "table 2 runs --format csv --out runs/final.csv",
            "out='runs/final.csv'; allowed are names other than those of",
        ),
        ("table 2 runs --out state.npz", "out='state.npz'; allowed with format='markdown' are names that end in .md"),
        ("curves runs --out runs/final.csv", "out='runs/final.csv'; allowed are names that end in .png, .pdf, .svg"),
        ("figure 2 runs --out curves.gif", "out='curves.gif'; allowed are names that end in .png, .pdf, .svg"),
        ("compare runs:maca runs:maca", "'runs' and 'runs' have the same run of 'maca' in smax/smacv2_5_units, seed 0"),
        ("figure 6", "results has 0 directories; Figure 6 is of one run, which maca-edu train wrote, or of one that"),
        ("figure 6 runs", "is not the directory of a run"),
        ("compare runs runs:maca", "arm='runs'; 'runs' has mappo, ippo"),
        ("compare runs:maca none:maca", "arm='none:maca'; allowed is DIR:ARM"),
        *((f"table 2 runs --level {x}", f"level={x}; allowed are finite numbers") for x in NOT_FINITE),
        ("table 1 --level nan", "level=nan; allowed are finite numbers"),
        ("table 2 runs --format marl-eval --level nan", "level=nan; allowed are finite numbers"),
        ("compare runs:maca runs:mappo --margin 0", "margin=0.0; allowed are positive numbers"),
        *((f"compare runs:maca runs:mappo --margin {x}", f"margin={x}; allowed are positive") for x in NOT_FINITE),
        ("compare runs:maca runs:mappo --measure best", "measure='best'; 'runs' does not have it for every run"),
    ],
)
def test_what_the_commands_refuse(tmp_path, capsys, monkeypatch, line, message):
    monkeypatch.chdir(tmp_path)
    battles(tmp_path / "runs")
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("maca-edu: ")
    assert message in said


def test_the_run_that_figure_6_names_is_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["figure", "6"]) == 2
    said = capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    named = shlex.split(said.partition("comes with the library: ")[2])
    assert named[:3] == ["maca-edu", "figure", "6"]
    assert main(named[1:]) == 0
    assert "toy/warehouse" in capsys.readouterr().out
    assert (tmp_path / "figure.png").exists()


def test_without_directories_the_projects_own_results_are_read(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    battles(tmp_path / "book" / "data" / "table2" / "battles")
    assert main(["table", "2"]) == 0
    assert "book/data/table2/battles: `maca-edu sweep" in capsys.readouterr().out
    assert main(["figure", "2", "--out", "two.png"]) == 0


def test_the_compare_command(tmp_path, capsys):
    folder = write_results(
        tmp_path / "r",
        {
            ("smax/3m", "maca"): [0.8, 0.9, 0.85],
            ("smax/3m", "mappo"): [0.1, 0.2, 0.3],
            ("smax/3m", "ippo"): [0.7, 0.9, 1],
        },
    )
    assert main(["compare", f"{folder}:maca", f"{folder}:mappo"]) == 0
    assert "different: maca is better (p = 0.00" in capsys.readouterr().out
    assert main(["compare", f"{folder}:maca", f"{folder}:ippo"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "undecided: neither a difference nor equivalence within 5 is shown; it takes" in said
    assert main(["compare", f"{folder}:maca", f"{folder}:ippo", "--margin", "40", "--measure", "curve"]) == 0
    assert "equivalent: the difference is smaller than the margin of 40" in capsys.readouterr().out


def test_returns_need_a_margin(tmp_path, capsys):
    folder = write_results(tmp_path / "r", {("toy/a", "maca"): [1, 2, 3], ("toy/a", "mappo"): [1, 2, 4]}, wins=False)
    assert main(["compare", f"{folder}:maca", f"{folder}:mappo"]) == 2
    assert "margin=None; in toy/a scores are returns" in capsys.readouterr().err
    assert main(["compare", f"{folder}:maca", f"{folder}:mappo", "--margin", "0.1"]) == 0
    other = write_results(tmp_path / "o", {("toy/b", "maca"): [1, 2, 3]}, wins=False)
    assert main(["compare", f"{folder}:maca", str(other), "--margin", "0.1"]) == 2
    assert "share no environment" in capsys.readouterr().err


def test_arms_of_one_name_are_told_apart_by_their_directories(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        write_results(tmp_path / name, {("smax/3m", "mappo"): rng.uniform(size=3).tolist()})
    assert main(["compare", str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    assert "one:mappo" in capsys.readouterr().out


def test_curves_are_compared_in_one_column(tmp_path, capsys):
    """Greedy evaluations of one arm are not compared with the training of the other."""
    greedy = write_results(tmp_path / "greedy", {("smax/3m", "maca"): [0.8, 0.9]})
    trained = write_results(tmp_path / "trained", {("smax/3m", "mappo"): [0.1, 0.2]})
    words = ["compare", str(greedy), str(trained), "--measure", "curve"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("smax/3m, the mean of the learning curve, column greedy_win_rate (per")
    lines = (trained / "curves.csv").read_text().splitlines()
    lines[1:] = [",".join([*line.split(",")[:6], "", ""]) for line in lines[1:]]
    (trained / "curves.csv").write_text("\n".join(lines) + "\n")
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("smax/3m, the mean of the learning curve, column win_rate (per cent)")
    shorter = write_results(tmp_path / "shorter", {("smax/3m", "ippo"): [0.1, 0.2]}, steps=1_000)
    assert main(["compare", str(greedy), str(shorter), "--measure", "curve"]) == 2
    assert "of 'maca', seed 0, and of 'ippo', seed 0, in smax/3m have different env_steps" in capsys.readouterr().err
