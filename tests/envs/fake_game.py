"""A stand-in for StarCraft II itself, behind the real package `smacv2` and the messages of its protocol.

Units walk 2, shoot what they are told to for 9 and die; the enemies shoot the nearest ally. As on SMAC's maps, new
teams appear by themselves when the map is empty; on SMACv2's map they are made by command. It shows that the package
and the adapter work together, not that the game behaves like this.
"""

import functools
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from pysc2.lib import protocol
from s2clientprotocol import raw_pb2

from maca_edu.envs import starcraft

FIRST = 2000  # the number of a SMAC map's first type of ally; enemies have the game's ordinary numbers
MARINE, ZEALOT, STALKER, COLOSSUS, MARAUDER, MEDIVAC = 48, 73, 74, 4, 51, 54
TEAMS = {  # types of allies, counted from FIRST, and of enemies
    "3m": ([0] * 3, [MARINE] * 3),
    "5m_vs_6m": ([0] * 5, [MARINE] * 6),
    "2s3z": ([0] * 2 + [1] * 3, [STALKER] * 2 + [ZEALOT] * 3),
    "1c3s5z": ([0] + [1] * 3 + [2] * 5, [COLOSSUS] + [STALKER] * 3 + [ZEALOT] * 5),
    "MMM": ([0] * 2 + [1] * 7 + [2], [MARAUDER] * 2 + [MARINE] * 7 + [MEDIVAC]),
}
TYPES = 2009  # how many types the game knows: SMACv2's nine own ones are the last


class Controller:
    """What the package talks to. fault: None, "observe" or "hang", in the n-th step of the game, once."""

    def __init__(self, fault, at, marker):
        self.fault, self.at, self.marker, self.steps = fault, at, Path(marker), 0
        self.units, self.orders, self.next_tag, self.teams, self.seed = {}, {}, 1, None, None

    def create_game(self, create):
        self.teams = TEAMS.get(Path(create.local_map.map_path).stem)
        self.seed = create.random_seed
        self.fill()

    def join_game(self, _):
        pass

    def game_info(self):
        corner, size = SimpleNamespace(x=0, y=0), SimpleNamespace(x=32, y=32)
        paths = SimpleNamespace(bits_per_pixel=1, data=bytes([255] * 128))
        terrain = SimpleNamespace(data=bytes(32 * 32))
        area = SimpleNamespace(p0=corner, p1=size)
        start = dict(playable_area=area, map_size=size, pathing_grid=paths, terrain_height=terrain)
        return SimpleNamespace(start_raw=SimpleNamespace(**start))

    def data(self):
        return SimpleNamespace(units=range(TYPES))

    def fill(self):
        """Both teams appear, where the map makes them itself."""
        for owner, kinds in enumerate(self.teams or (), start=1):
            for k, kind in enumerate(kinds):
                self.create(owner, kind + FIRST * (owner == 1), 8.0 + 12.0 * (owner - 1), 10.0 + k)

    def create(self, owner, kind, x, y):
        unit = raw_pb2.Unit(tag=self.next_tag, owner=owner, unit_type=kind, health=30, health_max=30)
        unit.pos.x, unit.pos.y = x, y
        self.units[self.next_tag] = unit
        self.next_tag += 1

    def debug(self, commands):
        for command in commands:
            for tag in command.kill_unit.tag:
                self.units.pop(tag, None)
            if command.HasField("create_unit"):
                new = command.create_unit
                self.create(new.owner, new.unit_type, new.pos.x, new.pos.y)

    def actions(self, request):
        self.orders = {}
        for action in request.actions:
            order = action.action_raw.unit_command
            self.orders |= dict.fromkeys(order.unit_tags, order)

    def step(self, _):
        self.steps += 1
        if self.fault == "hang" and self.due():
            time.sleep(1000)
        for tag, order in self.orders.items():
            if order.HasField("target_world_space_pos") and tag in self.units:
                self.units[tag].pos.x, self.units[tag].pos.y = (
                    order.target_world_space_pos.x,
                    order.target_world_space_pos.y,
                )
            self.shoot(order.target_unit_tag, 9)
        for enemy in [unit for unit in self.units.values() if unit.owner == 2 and self.orders]:
            allies = [unit for unit in self.units.values() if unit.owner == 1]
            if allies:
                self.shoot(min(allies, key=lambda ally: abs(ally.pos.y - enemy.pos.y)).tag, 2)
        self.orders = {}
        if not self.units:
            self.fill()

    def shoot(self, tag, damage):
        if tag in self.units:
            self.units[tag].health -= damage
            if self.units[tag].health <= 0:
                del self.units[tag]

    def observe(self):
        if self.fault == "observe" and self.due():
            raise protocol.ConnectionError("the game is gone")
        units = []
        for unit in self.units.values():
            copy = raw_pb2.Unit()
            copy.CopyFrom(unit)
            units.append(copy)
        return SimpleNamespace(observation=SimpleNamespace(raw_data=SimpleNamespace(units=units)))

    def due(self):
        if self.steps < self.at or self.marker.exists():
            return False
        self.marker.touch()
        return True


class Configuration:
    """What the package starts the game with."""

    version = "stand-in"

    def __init__(self, fault, at, marker):
        self.wrong, self.started = (fault, at, marker), []

    def start(self, **_):
        controller = Controller(*self.wrong)
        self.started.append(controller)
        return SimpleNamespace(controller=controller, close=lambda: None)

    def map_data(self, _):
        return b""


def make_game(task, changes=(), mend=True, fault=None, at=0, marker="/nonexistent"):
    """The real package's environment with this game behind it; `game.configuration.started` lists the games."""
    game = starcraft.make_game(dict(changes), task, mend)
    configuration = Configuration(fault, at, marker)
    sys.modules["smacv2.env.starcraft2.starcraft2"].run_configs.get = lambda version=None: configuration
    game.configuration = configuration
    return game


def make_battle(task, agent_ids=False, last_actions=False, **options):
    """One copy of it for `workers.Vector`."""
    return starcraft.Battle(functools.partial(make_game, task, **options), agent_ids, last_actions)
