"""All that `maca-edu bench worlds` measures: whole trainings of MAPPO with a GRU, in the settings of two code bases.

Each is measured in one process and in several, on the idle machine and beside a busy neighbour; see `one_training`.
"""

from __future__ import annotations

from dataclasses import dataclass

from maca_edu.checks import check_integer
from maca_edu.experiments import parallel
from maca_edu.experiments.bench.neighbour import busy_neighbour
from maca_edu.experiments.bench.one_training import Order, Training, in_a_process_of_its_own
from maca_edu.experiments.bench.peers import Peer, read_peer
from maca_edu.experiments.bench.shares import missing
from maca_edu.experiments.bench.timing import About, Ratio, about, ratio
from maca_edu.training.config import Config
from maca_edu.training.methods import find


@dataclass(frozen=True)
class World:
    """An environment with the settings of another code base."""

    env: str
    code_base: str  # whose settings: one of peers.CODE_BASES
    batch: int  # environments, of all processes together
    config: Config
    updates: int  # that are measured


SMAX = World(
    "smax/5m_vs_6m",
    "JaxMARL",  # its script mappo_rnn_smax
    128,
    Config(
        recurrent=True, rollout=128, chunk=128, epochs=4, minibatches=4, lr=2e-3, clip=0.2, entropy=0.0,
        max_grad_norm=0.25, actor_sizes=(128, 128), critic_sizes=(128, 128), diagnose_every=0,
    ),
    updates=3,
)  # fmt: skip
SPREAD = World(
    "mpe/simple_spread?continuous=false",
    "HARL",  # its MAPPO with a GRU
    8,
    Config(
        recurrent=True, rollout=200, chunk=10, epochs=10, minibatches=1, lr=5e-4, clip=0.2,
        actor_sizes=(64, 64, 64), critic_sizes=(64, 64, 64), diagnose_every=0,
    ),
    updates=10,
)  # fmt: skip
WORLDS = (SMAX, SPREAD)


@dataclass(frozen=True)
class Trainings:
    """The trainings of one world, one in each round."""

    one: list[Training]  # in one process
    many: list[Training]  # in several
    one_beside: list[Training]  # in one process, beside a busy neighbour
    many_beside: list[Training]


@dataclass(frozen=True)
class PeerRow:
    """Ours over another code base, in steps per second, on the idle machine."""

    peer: Peer
    one: Ratio
    many: Ratio


@dataclass(frozen=True)
class WorldRow:
    """What was measured in one world. Ratios are of steps per second."""

    world: World
    processes: int  # how many "many" are
    many_over_one: Ratio
    many_over_one_beside: Ratio  # both beside the neighbour
    one_beside_over_idle: Ratio  # what the neighbour leaves of one process
    many_beside_over_idle: Ratio  # and of many
    env_share: float  # of one process's time, idle
    one_peak_bytes: int
    many_peak_bytes: int  # of all processes together
    peers: list[PeerRow]
    trainings: Trainings


@dataclass(frozen=True)
class NotInstalled:
    """A world that was not measured."""

    env: str
    packages: list[str]  # that it needs


@dataclass(frozen=True)
class Worlds:
    """What was measured."""

    about: About
    rounds: int
    worlds: list[WorldRow]
    not_installed: list[NotInstalled]


def measure(
    rounds: int = 5, processes: int | None = None, peers: tuple[str, ...] = (), worlds: tuple[World, ...] = WORLDS
) -> Worlds:
    """Train in every world that is installed.

    processes: how many are compared with one; None: the cores, or the largest number below that divides a world's
    environments. peers: steps per second of other code bases, as in "JaxMARL mappo_rnn_smax=1520"; a world is compared
    with those whose settings it has, see `peers`. Raises ValueError where an argument is wrong.
    """
    check_integer("rounds", rounds, 1)
    read = [read_peer(words) for words in peers]
    counts = [several(processes, world) for world in worlds]
    rows, absent = [], []
    for world, count in zip(worlds, counts, strict=True):
        packages = missing(world.env)
        if packages:
            absent.append(NotInstalled(world.env, packages))
        else:
            own_peers = [peer for peer in read if peer.code_base == world.code_base]
            rows.append(summarise(world, count, own_peers, train_in_rounds(world, count, rounds)))
    return Worlds(about(), rounds, rows, absent)


def several(asked: int | None, world: World) -> int:
    """How many processes are compared with one. Raises ValueError where it is not a number from 2 that is possible."""
    count = parallel.choose(asked, find("mappo"), world.config, world.batch)
    if count < 2:
        raise ValueError(f"processes={count}; allowed are numbers from 2, because one process is measured anyway")
    return count


def train_in_rounds(world: World, processes: int, rounds: int) -> Trainings:
    """In every round: one process, many, and both again beside a neighbour."""
    one = Order(world.env, world.batch, world.config, world.updates, 1)
    many = Order(world.env, world.batch, world.config, world.updates, processes)
    done = Trainings([], [], [], [])
    for _ in range(rounds):
        done.one.append(in_a_process_of_its_own(one))
        done.many.append(in_a_process_of_its_own(many))
        with busy_neighbour():
            done.one_beside.append(in_a_process_of_its_own(one))
            done.many_beside.append(in_a_process_of_its_own(many))
    return done


def summarise(world: World, processes: int, peers: list[Peer], done: Trainings) -> WorldRow:
    """The ratios of what was measured."""
    one, many = rates(done.one), rates(done.many)
    one_beside, many_beside = rates(done.one_beside), rates(done.many_beside)
    peer_rows = []
    for peer in peers:
        theirs = [peer.steps_per_second] * len(one)
        peer_rows.append(PeerRow(peer, ratio(one, theirs), ratio(many, theirs)))
    return WorldRow(
        world,
        processes,
        many_over_one=ratio(many, one),
        many_over_one_beside=ratio(many_beside, one_beside),
        one_beside_over_idle=ratio(one_beside, one),
        many_beside_over_idle=ratio(many_beside, many),
        env_share=sum(x.env_share for x in done.one) / len(done.one),
        one_peak_bytes=max(x.peak_bytes for x in done.one),
        many_peak_bytes=max(x.peak_bytes for x in done.many),
        peers=peer_rows,
        trainings=done,
    )


def rates(trainings: list[Training]) -> list[float]:
    """Steps per second, one entry for each round."""
    return [x.steps_per_second for x in trainings]
