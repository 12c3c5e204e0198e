"""The command line: `maca-edu COMMAND`, or `python -m maca_edu COMMAND`. Each command imports only what it needs."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import tyro

from maca_edu import stopping
from maca_edu.checks import check_integer, check_path
from maca_edu.experiments.options import defaults
from maca_edu.refused_words import parsed
from maca_edu.training.config import Config

app = tyro.extras.SubcommandApp()
COMMANDS: set[str] = set()


def command(name: str):
    """Register a function as a command. What tyro makes of the words is that function with its arguments, to be called.

    So whatever is wrong with the words is known before anything is done.
    """

    def register(function: Callable) -> Callable:
        @functools.wraps(function)
        def prepared(*values, **options) -> Callable:
            return functools.partial(function, *values, **options)

        app.command(prepared, name=name)
        COMMANDS.add(name)
        return function

    return register


def path_in(words: list[str]) -> Path:
    """The path that a word names. Raises ValueError where it is empty: Python would take it for the current folder."""
    return check_path("path", words[0])


PATH = tyro.constructors.PrimitiveConstructorSpec(
    nargs=1,
    metavar="PATH",
    instance_from_str=path_in,
    is_instance=lambda value: isinstance(value, Path),
    str_from_instance=lambda value: [str(value)],
)
AnyPath = Annotated[Path, PATH]  # as tyro reads a Path, but for the empty word


@command("class-copy")
def class_copy_command(
    folder: tyro.conf.Positional[AnyPath], grader: Literal["none", "nbgrader", "otter"] = "none"
) -> None:
    """Write a copy of the labs to hand out to students: without solutions, answers and outputs.

    Args:
        folder: Where to write them: a new or an empty folder.
        grader: For another program that hands out and grades: the lecturer's sources for nbgrader or otter-grader, with
            solutions and tests, from which that program makes the students' copy.
    """
    from maca_edu.course.class_copy import class_copy
    from maca_edu.course.releases import release

    for path in class_copy(folder) if grader == "none" else release(folder, grader):
        print(path)


@command("grade")
def grade_command(
    folder: tyro.conf.Positional[AnyPath],
    out: AnyPath = Path("grades.csv"),
    seconds: float = 20.0,
    force: bool = False,
) -> None:
    """Give points for the labs that students handed in: a table, and a page beside it.

    Each answer runs in a process of its own and is checked by the course's checks, whatever the notebook prints. This
    is no sandbox: run it where the students' code can do harm to nothing.

    Args:
        folder: The students' notebooks: a sub-folder for each student, or files named after them, as in
            ada_02_policy_gradients_for_teams.ipynb.
        out: The table, a .csv; the page is the .html of the same name.
        seconds: The limit for one exercise.
        force: Overwrite a table or a page that this command did not write.
    """
    from maca_edu.course.grade import check_free, grade, write_grades

    check_free(out, force)
    grades = []
    for row in grade(folder, seconds):
        grades.append(row)
        print(f"{row.student:<20} {row.lab:<3} {row.exercise:<20} {row.points} of {row.of}  {row.status}", flush=True)
    print(f"Written to {out} and {write_grades(grades, out)}")


@command("own-games")
def own_games_command(
    students: tyro.conf.Positional[AnyPath],
    out: AnyPath = Path("own_games.html"),
    course: str = "",
    force: bool = False,
) -> None:
    """Write a sheet of paper for every student: a game drawn from the name, and five questions about it.

    Args:
        students: A text file with a name in every line.
        out: The page to print, a .html.
        course: Any text, such as a year; another one gives everybody another game.
        force: Overwrite a page that this command did not write.
    """
    from maca_edu.course.own_sheets import check_page_free, students_in, write_sheets

    check_page_free(out, force)
    names = students_in(students)
    write_sheets(names, course, out)
    print(f"Written to {out}: {len(names)} sheets. Points for the answers: maca-edu own-grades")


@command("own-grades")
def own_grades_command(
    answers: tyro.conf.Positional[AnyPath],
    out: AnyPath = Path("own_grades.csv"),
    course: str = "",
    force: bool = False,
) -> None:
    """Give points for the numbers that students found for their own games: a table, and a page beside it.

    Args:
        answers: A .csv with the columns student, 1, 2, 3, 4, 5.
        out: The table, a .csv; the page is the .html of the same name.
        course: The text that the sheets were made with.
        force: Overwrite a table or a page that this command did not write.
    """
    from maca_edu.course.grade import check_free, write_grades
    from maca_edu.course.own_sheets import grades, read_answers

    check_free(out, force)
    rows = grades(read_answers(answers), course)
    for row in rows:
        print(f"{row.student:<20} {row.exercise:<3} {row.points} of {row.of}  {row.status}")
    print(f"Written to {out} and {write_grades(rows, out)}")


def trainer(defaults: Config):
    """The command train, with the settings of a preset as defaults."""

    def train_command(
        out: AnyPath,
        env: str = "toy/fridge",
        method: str = "maca",
        steps: int = 10_000,
        seed: int = 0,
        batch: int | None = None,
        preset: str | None = None,
        resume: bool = False,
        save_every: int = 20,
        processes: int | None = None,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        config: tyro.conf.OmitArgPrefixes[Config] = defaults,
    ) -> None:
        """Train a method in an environment and write the run to a directory.

        Args:
            out: The run's directory, a new one unless --resume.
            env: A name that `maca-edu envs` prints, with options as in toy/ring?n_agents=8.
            method: A name that `maca-edu methods` prints.
            steps: At most so many environment-steps, counted once for the whole team.
            seed: Decides everything random.
            batch: Environments stepped together; None: as the preset has it.
            preset: Where the settings below begin: toy, quick, or paper (Tables 7-15); None: toy for one-shot games,
                quick for the others.
            resume: Go on with the run in `out`; the settings must be the same, `steps` may be larger (not
                where the critic's learning rate falls towards the run's end).
            save_every: Updates between two checkpoints.
            processes: How many processes share the environments and learn together, each with one thread; None: one
                for each core, or one in all where rollouts are small. A run is the same to the last bit for the same
                number.
            device: Where to compute; auto: on a graphics card where there is one and rollouts are large.
        """
        from maca_edu.experiments.monitor import noticed, summary
        from maca_edu.experiments.run import train
        from maca_edu.experiments.trust import word_of_trust
        from maca_edu.training.methods import check_settings, find

        check_settings(find(method), config)
        run = train(
            env, method, steps, seed, out, batch=batch, preset=preset, config=config, resume=resume,
            save_every=save_every, progress=True, processes=processes, device=device,
        )  # fmt: skip
        print(summary(run))
        print(noticed(run))
        print(f"Written to {out}. Play with it: maca-edu evaluate {shlex.quote(str(out))}{word_of_trust(env)}")

    return train_command


command("train")(trainer(Config()))


@command("evaluate")
def evaluate_command(
    run: tyro.conf.Positional[AnyPath],
    episodes: int = 40,
    seed: int = 0,
    trust_env: str | None = None,
    best: bool = False,
) -> None:
    """Play a run's policy greedily, on seeds that training never used.

    Args:
        run: The run's directory.
        episodes: How many episodes.
        seed: Decides where they begin.
        trust_env: A module, such as my_game, that the run's environment pettingzoo/my_game may import. A module can run
            any code, so one that does not come with this library is imported only where you name it.
        best: Play the checkpoint with the best greedy evaluation during training, not the last.
    """
    from maca_edu.experiments.run import evaluate

    for name, value in evaluate(run, episodes, seed, trust_env, best=best).items():
        print(f"{name:<12} {'none: nothing to win' if value is None else f'{value:.4f}'}")


@command("sweep")
def sweep_command(
    name: tyro.conf.Positional[str] = "",
    out: AnyPath | None = None,
    envs: tuple[str, ...] | None = None,
    methods: tuple[str, ...] | None = None,
    steps: int | None = None,
    grid: tuple[str, ...] = (),
    seeds: int | None = None,
    first_seed: int = 0,
    budget: Literal["quick", "small", "paper"] = "quick",
    options: str = "",
    paper_protocol: bool = False,
    processes: int | None = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    dry_run: bool = False,
) -> None:
    """Train methods in environments on many seeds, and write tables of what they reached.

    The same command again goes on with a sweep that was stopped. A command that asks for more of the same (seeds,
    methods, environments) adds to it. A sweep has at most 10,000 runs.

    Args:
        name: A plan: toys, table2, table3, table5, table16, table17 (after the paper's tables); or a file that lists
            runs, such as the plan.csv of another sweep. Without it, give envs, methods and steps.
        out: The sweep's directory; None: runs/NAME.
        envs: Names that `maca-edu envs` prints; with a plan, those of its environments that are wanted.
        methods: Names that `maca-edu methods` prints, each with settings of its own where there are quotation marks:
            maca "maca sigma=0.18"; with a plan, those of its methods that are wanted.
        steps: Environment-steps of each run; None: as the plan has it.
        grid: Settings with lists of values, as in clip=.05,.1 epochs=5,10: every method runs with every combination.
        seeds: How many seeds; None: as many as the plan and its budget have, or 10 without a plan.
        first_seed: The first of them.
        budget: How large a plan is: quick (minutes, proves nothing), small (hours), or paper.
        options: Settings of the runs, as `maca-edu train` takes them: --options="--lr 0.001 --evaluate-every 10".
        paper_protocol: Greedy evaluations as in the paper: 40 episodes every 160,000 steps.
        processes: Runs at a time, each with one thread; None: one for each processor core (local).
        engine: Who does the runs: processes of this machine (local), or Ray (ray), on this machine or on a cluster.
        address: The cluster of Ray's: auto for the one that this machine belongs to, or host:port of its head; None: as
            the variable RAY_ADDRESS says, or this machine alone.
        dry_run: Only print how many runs there are, and what they will cost at the speed of finished or of short runs.
    """
    from maca_edu.experiments.estimate import estimate
    from maca_edu.experiments.plans import NAMED, Asked, command_of, jobs_of
    from maca_edu.experiments.sweep import sweep

    asked = Asked(name, budget, envs, methods, grid, steps, seeds, first_seed, options, paper_protocol)
    jobs, folder = jobs_of(asked), out_of(out, name)
    with contextlib.closing(engine_of(engine, folder, processes, address)) as ready:
        if dry_run:
            print(estimate(folder, jobs, ready.processes))
            return
        sweep(folder, jobs, command_of(asked), ready)
    if name in NAMED and budget == "quick":
        print("These runs are too short to conclude anything; see --budget.")
    print(f"Written to {folder}: plan.csv, curves.csv, final.csv, measured.csv, sweep.json")


def engine_of(engine: str, out: Path, processes: int | None, address: str | None):
    """The engine of a sweep."""
    from maca_edu.experiments.local_engine import LocalEngine
    from maca_edu.experiments.ray_engine import RayEngine

    if engine == "local":
        if address is not None:
            raise ValueError(f"address={address!r}; allowed is None with engine='local'")
        return LocalEngine(out, processes)
    if processes is not None:
        raise ValueError(f"processes={processes}; allowed is None with engine='ray', which has as many as fit")
    return RayEngine(out, address)


def out_of(out: Path | None, name: str) -> Path:
    """The directory of a sweep: `out`, or for None the one that the plan's name gives."""
    if out is None and not name:
        raise ValueError("out is missing; without a named plan it has no default")
    return Path("runs") / Path(name).stem if out is None else out


@command("curves")
def curves_command(
    sweep: tyro.conf.Positional[AnyPath], out: AnyPath, column: str = "return_mean", methods: list[str] | None = None
) -> None:
    """Draw a sweep's learning curves: means over seeds with 95 % t intervals.

    Args:
        sweep: The directory that `maca-edu sweep` wrote; its curves.csv is enough.
        out: The picture, a .png, .pdf or .svg.
        column: What to draw: return_mean, win_rate, greedy_return_mean, greedy_win_rate.
        methods: Which methods; None: all.
    """
    from maca_edu.experiments.learning_curves import check_picture, draw_sweep
    from maca_edu.experiments.sweep_tables import read_curves

    check_picture(out)
    draw_sweep(read_curves(sweep / "curves.csv"), column, out, methods)
    print(f"Written to {out}")


@command("table")
def table_command(
    number: tyro.conf.Positional[Literal[1, 2, 3, 5, 6, 16, 17]],
    results: tyro.conf.Positional[tuple[AnyPath, ...]] = (),
    format: Literal["markdown", "latex", "csv", "marl-eval"] = "markdown",
    out: AnyPath | None = None,
    methods: list[str] | None = None,
    level: float | None = None,
) -> None:
    """Print a table of the paper: our numbers, the paper's beside them, and what differs.

    Args:
        number: Of the table: 1 (advantages), 2, 3, 5, 16, 17 (results), 6 (sizes of the critics).
        results: Directories that `maca-edu sweep` wrote, or folders of such; none: book/data/tableN, the project's own.
        format: markdown; latex; csv, all numbers; marl-eval, the JSON that the package marl-eval reads.
        out: The file to write, a .md, .tex, .csv or .json as the format is; None: print.
        methods: Which arms, as in --methods maca "maca sigma=0.18"; None: all.
        level: The score to which steps are counted; None: 50 per cent where games are won.
    """
    from maca_edu.experiments.reports.printed import check_table_file, printed_table

    if out is not None:
        check_table_file(out, format)
    text, notes = printed_table(number, results, format, methods, level)
    write_or_print(text, out)
    for note in notes:
        print(note, file=sys.stderr)


@command("figure")
def figure_command(
    which: tyro.conf.Positional[Literal["2", "3", "4", "5", "6", "profiles", "efficiency", "improvement"]],
    results: tyro.conf.Positional[tuple[AnyPath, ...]] = (),
    out: AnyPath = Path("figure.png"),
    methods: list[str] | None = None,
    seed: int = 0,
    step: int = 0,
    trust_env: str | None = None,
) -> None:
    """Draw a figure of the paper, or one that puts tasks together.

    Args:
        which: 2, 3, 4, 5: learning curves on SMACv2, of the ablations, on the particle games, on SMAC. 6: attention.
            profiles, efficiency, improvement: all tasks together.
        results: Directories that `maca-edu sweep` wrote, or folders of such; none: book/data/tableN with the figure's
            runs. For 6: the directory of one run whose critic has attention.
        out: The picture, a .png, .pdf or .svg.
        methods: Which arms; None: all.
        seed: For 6: decides the episode.
        step: For 6: which step of the episode, from 0.
        trust_env: For 6: a module that the run's environment may import; see `maca-edu evaluate --help`.
    """
    from maca_edu.experiments.reports.printed import drawn_figure

    print(drawn_figure(which, results, out, methods, seed, step, trust_env))
    print(f"Written to {out}")


@command("compare")
def compare_command(
    a: tyro.conf.Positional[str],
    b: tyro.conf.Positional[str],
    margin: float | None = None,
    measure: Literal["final", "best", "curve"] = "final",
) -> None:
    """Say whether two arms are different, equivalent within a margin, or undecided, and then how many seeds it takes.

    Args:
        a: DIR:ARM, a results directory and an arm in it, as in runs/toys:maca; DIR where it has one arm only.
        b: The other arm, in the same way.
        margin: The difference that would not matter, in per cent of games won or units of the return; None: 5 per cent.
        measure: What is compared: final (greedy play after training), best (the best checkpoint), curve (the mean of
            the learning curve).
    """
    from maca_edu.experiments.reports.comparison import compare, in_words, parse_arm

    for found in compare(parse_arm(a), parse_arm(b), margin, measure):
        print(in_words(found))


def write_or_print(text: str, out: Path | None) -> None:
    """Write a text to a file, whose folder is made where it is missing, or print it."""
    from maca_edu.files import write_whole

    if out is None:
        print(text, end="")
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, text)
    print(f"Written to {out}")


@command("watch")
def watch_command(
    run: tyro.conf.Positional[AnyPath], out: AnyPath, episodes: int = 1, seed: int = 0, trust_env: str | None = None
) -> None:
    """Film a run's greedy play.

    Args:
        run: The run's directory.
        out: The film, a .gif or .mp4.
        episodes: How many episodes.
        seed: Decides where they begin.
        trust_env: A module, such as my_game, that the run's environment pettingzoo/my_game may import; see
            `maca-edu evaluate --help`.
    """
    from maca_edu.experiments.watch import watch

    print(f"Written to {watch(run, out, episodes, seed, trust_env)}")


@command("credit")
def credit_command(
    run: tyro.conf.Positional[AnyPath],
    out: AnyPath,
    episodes: int = 1,
    seed: int = 0,
    copies: int = 16,
    lookahead: int | None = None,
    trust_env: str | None = None,
) -> None:
    """Write a run's true and learned credit, step by step, side by side: tables, a summary and a film.

    The team plays as it trained, its actions drawn from the policy. True are the terms that the game declares, and what
    each action was worth, measured by playing on from copies of the moment: toy/... and smax/... can do this.

    Args:
        run: The run's directory.
        out: Where to write agents.csv, steps.csv, terms.csv, summary.json and credit.gif: a new or an empty folder.
        episodes: How many episodes.
        seed: Decides where they begin, and what is drawn in them.
        copies: Copies of every moment for each action of each agent; standard errors fall with the root of their
            number.
        lookahead: How many steps are played in the copies, and count; None: all up to the end of the episode. What an
            action changes within a few steps can be measured far more exactly than what it changes in the end.
        trust_env: A module that the run's environment may import; see `maca-edu evaluate --help`.
    """
    from maca_edu.experiments.credit_files import summary_in_words, write_credit

    summary, _ = write_credit(run, out, episodes, seed, copies, lookahead, trust_env)
    print(summary_in_words(summary))
    print(f"Written to {out}: agents.csv, steps.csv, terms.csv, summary.json, credit.gif")


@command("budget")
def budget_command(
    runs: tyro.conf.Positional[tuple[AnyPath, ...]],
    moments: int = 64,
    copies: int = 4,
    seed: int = 0,
    out: AnyPath | None = None,
    trust_env: str | None = None,
) -> None:
    """Measure who owns the variance of the advantages that a run learns from.

    The owners: the critic's error, the joint action that is judged (by credit assignment level), later actions, and
    the game's chance. Measured by playing on from copies of moments: toy/..., smax/... and jaxmpe/... can do this.

    Args:
        runs: Directories of runs: one, or several for a picture, as of one run at several lengths.
        moments: How many moments, each of an episode of its own; intervals are over them.
        copies: How many copies of each joint action in a moment, an even number of at least 4.
        seed: Decides all chance.
        out: Where to write budget.csv, budget.json and budget.png: a new or an empty folder; None: nowhere.
        trust_env: A module that the runs' environments may import; see `maca-edu evaluate --help`.
    """
    from maca_edu.experiments.budget import budget, check_folder, in_words, write_budgets

    if not runs:
        raise ValueError("runs is empty; name the directory of a run, or several")
    if out is not None:
        check_folder(out)
    results = []
    for run in runs:
        results.append(budget(run, moments, copies, seed, trust_env))
        print(in_words(results[-1]), flush=True)
    if out is not None:
        write_budgets(out, results)
        print(f"Written to {out}: budget.csv, budget.json, budget.png")


@command("bench")
def bench_command(
    what: tyro.conf.Positional[Literal["core", "worlds"]] = "core",
    json: AnyPath | None = None,
    plot: AnyPath | None = None,
    processes: int | None = None,
    peer: tyro.conf.UseAppendAction[tuple[str, ...]] = (),
    rounds: int | None = None,
) -> None:
    """Measure speed, as ratios: of the learner (core), or of whole trainings (worlds).

    Args:
        what: core or worlds.
        json: Where to write all numbers.
        plot: Where to draw the growth with agents and with environments, a .png or .svg (core).
        processes: How many processes are compared with one; None: the cores (worlds).
        peer: Another code base's steps per second, measured beside ours, as in --peer "HARL=400" (worlds).
        rounds: How often everything is measured; None: 9 (core) or 5 (worlds).
    """
    from dataclasses import asdict
    from json import dumps

    from maca_edu.files import write_whole

    rounds = None if rounds is None else check_integer("rounds", rounds, 1)
    if what == "core" and processes is not None:
        raise ValueError(f"processes={processes}; allowed is None for core, which has no whole trainings")
    if what == "core" and peer:
        raise ValueError(f"peer={peer[0]!r}; allowed is none for core, which has no whole trainings")
    if what == "worlds" and plot is not None:
        raise ValueError(f"plot={str(plot)!r}; allowed is None for worlds, which has no figure")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler talks
    from maca_edu.experiments.bench import core, peers, report, worlds

    for words in peer:
        peers.read_peer(words)  # complains where it cannot be read
    for path in (json, plot):
        if path is not None:  # what cannot be written is found before hours of measuring
            path.parent.mkdir(parents=True, exist_ok=True)
    if what == "core":
        results = core.measure(None if rounds is None else core.Plan(rounds=rounds))
        print(report.core_text(results))
        if plot is not None:
            report.plot(results, plot)
    else:
        results = worlds.measure(5 if rounds is None else rounds, processes=processes, peers=peer)
        print(report.worlds_text(results))
    if json is not None:
        write_whole(json, dumps(asdict(results), indent=1) + "\n")


@command("credit-bench")
def credit_bench_command(
    methods: tyro.conf.Positional[tuple[str, ...]] = (),
    json: bool = False,
    out: AnyPath | None = None,
    seed: int = 0,
) -> None:
    """Score advantage estimators on games whose true credit is known: does yours know who earned it?

    Args:
        methods: Names that `maca-edu methods` prints, estimators that come with the bench, or functions of your own as
            module:function, which is imported because you name it; none: all that are shipped.
        json: Print all numbers as JSON in place of tables.
        out: Where to write summary.csv, games.csv, growth.csv and radar.png: a new or an empty folder; None: nowhere.
        seed: Decides what is drawn: rows, and the plays that the fitted critic sees.
    """
    from maca_edu.credit_bench import Bench, ranked
    from maca_edu.experiments.budget import check_folder
    from maca_edu.experiments.credit_bench import picture, tables
    from maca_edu.experiments.credit_bench.choose import choose

    if out is not None:
        check_folder(out)
    estimators = choose(list(methods))
    bench = Bench(seed=check_integer("seed", seed, 0))
    scores = ranked([bench.score(estimator) for estimator in estimators])
    print(tables.as_json(scores) if json else tables.as_text(scores))
    if out is not None:
        tables.write_tables(out, scores)
        picture.draw(scores, out / "radar.png")


@command("methods")
def methods_command() -> None:
    """Print the methods, Table 1 of the paper: name, critic, advantage, update, source."""
    from maca_edu.training.methods import table

    print(table())


@command("envs")
def envs_command(family: str = "") -> None:
    """Print the environments with their numbers of agents and actions and their horizons.

    Args:
        family: Only those whose names begin with it, such as smax.
    """
    from maca_edu import envs
    from maca_edu.experiments.doctor import installed

    for name in envs.names():
        if name.startswith(family):
            missing = [package for package in envs.family(name).packages if installed(package) is None]
            print(f"{name:<32} {'needs ' + ', '.join(missing) if missing else envs.describe(name)}")


@command("params")
def params_command(task: str = "5m_vs_6m") -> None:
    """Print how many numbers each critic learns, Table 6 of the paper.

    Args:
        task: Whose sizes.
    """
    from maca_edu.experiments.parameters import critic_parameters

    for name, count in critic_parameters(task).items():
        print(f"{name:<16} {count:>9,}")


@command("app")
def app_command(port: int = 8866, browser: bool = True) -> None:
    """Show the explorers of the labs as one page for the projector, on this machine, until Ctrl-C.

    Args:
        port: Where the page is served, on 127.0.0.1.
        browser: Open the page in a browser.
    """
    from maca_edu.course.projector.serve import serve

    serve(port, browser)


@command("doctor")
def doctor_command(part: tyro.conf.Positional[Literal["everything", "starcraft"]] = "everything") -> None:
    """Print what is installed, what is missing, and how to get it.

    Args:
        part: With "starcraft": the game, its maps and its packages, one by one.
    """
    from maca_edu.experiments import doctor

    print("\n".join(doctor.starcraft() if part == "starcraft" else doctor.report()))


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 where it went well, 2 and one sentence where it could not be done.

    A stop by Ctrl-C ends with 130 and by SIGTERM with 143, and says what is kept. Where nobody reads the output any
    more, as in `maca-edu envs | head`, it ends with 141, the status of other commands then.
    """
    own_process = argv is None
    argv = sys.argv[1:] if own_process else argv
    stopping.listen()
    try:
        if argv[:1] == ["train"]:
            command("train")(trainer(defaults(argv)))
        command_words = f"maca-edu {argv[0]}" if argv and argv[0] in COMMANDS else "maca-edu"
        about = "The commands of the course."
        known = f"those that {command_words} --help lists"
        run = parsed(lambda: app.cli(prog="maca-edu", description=about, args=argv), argv, command_words, known)
        run()
        sys.stdout.flush()
        return 0
    except KeyboardInterrupt as stop:
        return say_stopped(stop)
    except Exception as error:
        if stopping.asked is not None:  # the interruption was lost, and came to light as something else
            return say_stopped(error)
        if isinstance(error, BrokenPipeError):
            return leave_quietly()
        if not isinstance(error, ValueError | RuntimeError | OSError | MemoryError | OverflowError):
            raise
        print(f"maca-edu: {sentence(error)}", file=sys.stderr)
        return 2
    finally:
        stopping.listen_no_more(ending=own_process)


def say_stopped(error: BaseException) -> int:
    """Say that the command was stopped, and what is kept of its work; returns the exit status."""
    notes = []
    while error is not None:  # a library may have made another exception of the interruption
        notes += getattr(error, "__notes__", [])
        error = error.__context__
    with contextlib.suppress(OSError):
        print("; ".join(["maca-edu: stopped", *dict.fromkeys(notes)]), file=sys.stderr)
    return stopping.status()


def leave_quietly() -> int:
    """Forget what could not be written because the reader has gone; returns the exit status."""
    if sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest when it ends
    return 141


def sentence(error: Exception) -> str:
    """What an exception says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        where = " to ".join(repr(name) for name in (error.filename, error.filename2) if name is not None)
        if isinstance(error, FileExistsError | NotADirectoryError):
            return f"{where}: something that is not a folder is in the way"
        return f"{where}: {error.strerror}" if where else error.strerror
    if isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error):  # what torch says of it
        asked = re.search(r"tried to allocate (\d+) bytes", str(error))
        return f"there is not enough memory{f' for {int(asked[1]):,} bytes more' if asked else ''}"
    if isinstance(error, MemoryError):
        return f"there is not enough memory{f': {error}' if str(error) else ''}"
    return " ".join(str(error).split()) or type(error).__name__
