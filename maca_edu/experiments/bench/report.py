"""What was measured, to be read: text for the terminal and the book, and a figure of the growth."""

from __future__ import annotations

from importlib import resources

from maca_edu.experiments.bench.core import Core
from maca_edu.experiments.bench.critics import BaselinesRow
from maca_edu.experiments.bench.growth import GrowthRow
from maca_edu.experiments.bench.shares import SharesRow
from maca_edu.experiments.bench.timing import About, Ratio
from maca_edu.experiments.bench.updates import EPOCHS, DefinitionRow, UpdateRow
from maca_edu.experiments.bench.worlds import WorldRow, Worlds
from maca_edu.files import whole_file

MIB = 2**20


def core_text(core: Core) -> str:
    """All of `core`."""
    lines = [about_line(core.about), f"rounds: {core.plan.rounds}, one thread; a ratio is followed by its quartiles"]
    lines += section(
        "Baselines of 25 agents, naive over fused: time, and peak memory", map(baselines_line, core.baselines)
    )
    lines += section(
        f"MACA's update over MAPPO's at the sizes of 5m_vs_6m, {EPOCHS} epochs: time, and arithmetic",
        map(update_line, core.updates),
    )
    lines += section(
        f"MACA's update, baselines by definition over fused ones, {EPOCHS} epochs: time",
        map(definition_line, core.definition),
    )
    lines += section("Where the time goes, quick preset", map(shares_line, core.shares))
    lines += section(
        "Critics, forward, baselines and backward, time per sample; 1 is MAPPO with the fewest",
        (growth_line(row, "agent") for row in core.agents),
    )
    lines += section(
        "Acting and learning, time per step of an environment; 1 is MAPPO with the fewest",
        (growth_line(row, "environment") for row in core.environments),
    )
    return "\n".join(lines)


def worlds_text(worlds: Worlds) -> str:
    """All of `worlds`."""
    settings = "one thread in each process; a ratio is followed by its quartiles"
    lines = [about_line(worlds.about), f"rounds: {worlds.rounds}, {settings}"]
    for row in worlds.worlds:
        title = f"{row.world.env}: MAPPO with a GRU in the settings of {row.world.code_base}, steps per second"
        lines += section(title, world_lines(row))
    for world in worlds.not_installed:
        lines += ["", f"{world.env}: not measured, needs {', '.join(world.packages)}"]
    return "\n".join(lines)


def section(title: str, rows) -> list[str]:
    """A title and indented rows, after an empty line."""
    return ["", title, *(f"  {row}" for row in rows)]


def about_line(about: About) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in about.versions.items())
    return f"{about.date}, {about.machine}; {versions}"


def ratio_words(ratio: Ratio) -> str:
    return f"{ratio.median:6.2f}  ({ratio.low:.2f} to {ratio.high:.2f})"


def network(recurrent: bool) -> str:
    return "GRU" if recurrent else "MLP"


def baselines_line(row: BaselinesRow) -> str:
    memory = f"{row.naive_bytes / MIB:,.1f} against {row.fused_bytes / MIB:,.1f} MiB"
    return f"{row.head:<12} {row.samples:>4} samples  {ratio_words(row.naive_over_fused)}  {memory}"


def update_line(row: UpdateRow) -> str:
    shape = f"{row.steps} x {row.batch} steps"
    return f"{network(row.recurrent)}  {shape:<14} {ratio_words(row.maca_over_mappo)}  arithmetic {row.arithmetic:.2f}"


def definition_line(row: DefinitionRow) -> str:
    shape = f"{row.steps} x {row.batch} steps"
    return f"{network(row.recurrent)}  {row.agents:>2} agents, {shape:<14} {ratio_words(row.definition_over_fused)}"


def shares_line(row: SharesRow) -> str:
    shares = f"{100 * row.env_share:3.0f} % env, {100 * row.act_share:3.0f} % act, {100 * row.learn_share:3.0f} % learn"
    return f"{row.env:<16} {row.method:<6} {row.batch} at once  {shares}"


def growth_line(row: GrowthRow, unit: str) -> str:
    times = f"mappo {row.mappo.median:6.3f}   maca {row.maca.median:6.3f}"
    plural = "s" if row.size > 1 else " "
    return f"{row.size:>5,} {unit}{plural}  {times}   maca over mappo {ratio_words(row.maca_over_mappo)}"


def world_lines(row: WorldRow) -> list[str]:
    many = f"{row.processes} processes"
    named = [
        (f"{many} over 1, idle", row.many_over_one),
        (f"{many} over 1, beside a busy neighbour", row.many_over_one_beside),
        ("1 process, beside a busy neighbour over idle", row.one_beside_over_idle),
        (f"{many}, beside a busy neighbour over idle", row.many_beside_over_idle),
    ]
    for theirs in row.peers:
        named.append((f"1 process over {theirs.peer.name}, idle", theirs.one))
        named.append((f"{many} over {theirs.peer.name}, idle", theirs.many))
    width = max(len(name) for name, _ in named)
    lines = [f"{name:<{width}} {ratio_words(ratio)}" for name, ratio in named]
    memory = f"{row.one_peak_bytes / MIB:,.0f} MiB in 1 process, {row.many_peak_bytes / MIB:,.0f} MiB in all {many}"
    return [
        *lines,
        f"peak memory: {memory}",
        f"the environment's share of 1 process's time: {100 * row.env_share:.0f} %",
    ]


def plot(core: Core, path) -> None:
    """Draw both growths on logarithmic axes; path: a .png or .svg."""
    import matplotlib.pyplot as plt

    style = resources.files("maca_edu") / "maca.mplstyle"
    with plt.style.context(str(style)):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4))
        draw_growth(left, core.agents)
        left.set(title="A critic's pass", xlabel="agents", ylabel="time per sample, 1 = MAPPO, leftmost")
        draw_growth(right, core.environments)
        right.set(title="Acting and learning", xlabel="environments", ylabel="time per step, 1 = MAPPO, leftmost")
        with whole_file(path) as temporary:
            figure.savefig(temporary)
        plt.close(figure)


def draw_growth(ax, rows: list[GrowthRow]) -> None:
    """Time per sample against size."""
    sizes = [row.size for row in rows]
    ax.loglog(sizes, [row.maca.median for row in rows], marker="o", label="MACA")
    ax.loglog(sizes, [row.mappo.median for row in rows], marker="s", label="MAPPO")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.minorticks_off()
    ax.legend()
