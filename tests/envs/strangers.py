"""A small game as strangers write it: each class has one habit, harmless or wrong, and is otherwise like `Game`.

"pettingzoo/strangers?habit=mask_in_info" plays the class whose name is that, in words.
"""

import random
import re
import sys

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

LENGTH = 6  # steps of an episode


class Game(ParallelEnv):
    """Two agents walk from 0, 1 or 2 steps at a time; `b` must not take 2. The first number they see is random."""

    metadata = {"name": "stranger"}  # noqa: RUF012
    possible_agents = ["a", "b"]  # noqa: RUF012

    def __init__(self):
        self.max_steps = LENGTH
        self.allowed = {"a": [0, 1, 2], "b": [0, 1]}

    def observation_space(self, agent):
        return spaces.Box(-9, 99, (3,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(3)

    def reset(self, seed=None, options=None):
        self.time, self.walked, self.agents = 0, dict.fromkeys("ab", 0), ["a", "b"]
        self.omen = self.draw(seed)
        return self.everybodys(self.see), self.everybodys(self.tell)

    def step(self, actions):
        self.time += 1
        for agent, steps in actions.items():
            assert steps in self.allowed[agent], f"{agent} may not take {steps}"
            self.walked[agent] += steps
        late = self.time >= LENGTH
        seen, rewards, infos = (self.everybodys(what) for what in (self.see, self.pay, self.tell))
        over = self.everybodys(lambda agent: False)
        cut = self.everybodys(lambda agent: late)
        if late:
            self.agents = []
        return seen, rewards, over, cut, infos

    def everybodys(self, what):
        return {agent: what(agent) for agent in self.agents}

    def draw(self, seed):
        return np.random.default_rng(seed).random()

    def numbers(self, agent):
        return np.array([self.omen, self.time, self.walked[agent]], dtype=np.float32)

    def mask(self, agent):
        return np.isin(np.arange(3), self.allowed[agent]).astype(np.int8)

    def see(self, agent):
        return self.numbers(agent)

    def tell(self, agent):
        return {"action_mask": self.mask(agent)}

    def pay(self, agent):
        return float(sum(self.walked.values()))


# ---------------------------------------------------------------------------------------------------------------------
# Harmless habits


class StateIsAValue(Game):
    state = {"time": 0}  # noqa: RUF012


class StateOfOneAgent(Game):
    def state(self, agent):
        return self.numbers(agent)


class StateOfWords(Game):
    def state(self):
        return {"time": self.time}


class StateInRows(Game):
    def state(self):
        return [[self.time, self.omen], [1, 2]]


class MaskInAnUndeclaredObservation(Game):
    def see(self, agent):
        return {"observation": self.numbers(agent), "action_mask": self.mask(agent)}

    def tell(self, agent):
        return {}


class ObsAndMask(MaskInAnUndeclaredObservation):
    def observation_space(self, agent):
        return spaces.Dict({"obs": super().observation_space(agent), "action_mask": spaces.MultiBinary(3)})

    def see(self, agent):
        return {"obs": self.numbers(agent), "action_mask": self.mask(agent)}


class TwoPartsAndMask(ObsAndMask):
    def observation_space(self, agent):
        one, two = spaces.Box(-9, 99, (1,), np.float32), spaces.Box(-9, 99, (2,), np.float32)
        return spaces.Dict({"omen": one, "rest": two, "legal_actions": spaces.MultiBinary(3)})

    def see(self, agent):
        omen, rest = np.split(self.numbers(agent), [1])
        return {"omen": omen, "rest": rest, "legal_actions": self.mask(agent)}


class AvailActions(Game):
    def tell(self, agent):
        return {"avail_actions": self.mask(agent).tolist()}


class AvailableActions(Game):
    def tell(self, agent):
        return {"available_actions": self.mask(agent).astype(bool), "steps": 7}


class LegalMoves(Game):
    def tell(self, agent):
        return {"legal_moves": list(self.allowed[agent])}


class CamelCase(Game):
    def tell(self, agent):
        return {"legalActions": set(self.allowed[agent])}


class Unmasked(Game):
    def __init__(self):
        super().__init__()
        self.allowed["b"] = [0, 1, 2]


class InfosNone(Unmasked):
    def reset(self, seed=None, options=None):
        return super().reset(seed)[0], None

    def step(self, actions):
        return *super().step(actions)[:4], None


class InfoNone(Unmasked):
    def tell(self, agent):
        return None


class ArrayRewards(Game):
    def pay(self, agent):
        return np.array([super().pay(agent)])


class ArrayFlags(Game):
    def step(self, actions):
        seen, rewards, _, cut, infos = super().step(actions)
        return seen, rewards, None, {a: np.array([x]) for a, x in cut.items()}, infos


class OneFlagForAll(Game):
    def step(self, actions):
        seen, rewards, _, cut, infos = super().step(actions)
        return seen, rewards, {"__all__": False}, {"__all__": all(cut.values())}, infos


class NothingSeenAtTheEnd(Game):
    def step(self, actions):
        seen, *others = super().step(actions)
        return (seen if self.agents else {}), *others


class ObservationNoneAtTheEnd(Game):
    def step(self, actions):
        seen, *others = super().step(actions)
        return (seen if self.agents else dict.fromkeys(seen)), *others


class NothingLegalAtTheEnd(Game):
    def tell(self, agent):
        return {"action_mask": self.mask(agent) * (self.time < LENGTH)}


class ListsAndInts(Game):
    def see(self, agent):
        return [*map(float, self.numbers(agent))]

    def pay(self, agent):
        return int(super().pay(agent))


class HorizonIsHowFarItSees(Game):
    horizon = 2  # max_steps is the clock


HARMLESS = {
    StateIsAValue, StateOfOneAgent, StateOfWords, StateInRows, MaskInAnUndeclaredObservation, ObsAndMask,
    TwoPartsAndMask, AvailActions, AvailableActions, LegalMoves, CamelCase, InfosNone, InfoNone, ArrayRewards,
    ArrayFlags, OneFlagForAll, NothingSeenAtTheEnd, ObservationNoneAtTheEnd, NothingLegalAtTheEnd, ListsAndInts,
    HorizonIsHowFarItSees,
}  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Games that are asked for with options


class HorizonIsNoClock(Game):
    """Its only number is how far it sees."""

    horizon = 2

    def __init__(self):
        super().__init__()
        del self.max_steps


class OwnArguments(Game):
    """It has arguments of its own that are called like our options."""

    def __init__(self, horizon=3, reward="much"):
        super().__init__()
        self.sight, self.kind = horizon, reward

    def numbers(self, agent):
        return super().numbers(agent) + np.array([0, 0, self.sight * 10 + (self.kind == "little")])


class GlobalChance(Game):
    """It ignores its seed."""

    def draw(self, seed):
        return random.random()


class SharedChance(Game):
    """It seeds the random numbers of all copies, so that copies disturb each other."""

    def draw(self, seed):
        np.random.seed(seed)  # noqa: NPY002
        return 0.0

    def numbers(self, agent):
        return np.array([np.random.random(), self.time, 0], dtype=np.float32)  # noqa: NPY002


class CountsEpisodes(Game):
    """What it shows depends on how many episodes there were before."""

    episodes = 0

    def draw(self, seed):
        self.episodes += 1
        return super().draw(seed) + self.episodes


# ---------------------------------------------------------------------------------------------------------------------
# Wrong games: each is wrong in step 2 or at the reset


class LaterWrong(Game):
    """`b` is told `wrong` in step 2, as part of the observation; subclasses say what."""

    wrong = 0.0

    def see(self, agent):
        numbers = self.numbers(agent).astype(np.float64)
        if (agent, self.time) == ("b", 2):
            numbers[1] = self.wrong
        return numbers


class NanSeen(LaterWrong):
    wrong = np.nan


class InfSeen(LaterWrong):
    wrong = -np.inf


class HugeSeen(LaterWrong):
    wrong = 1e30


class WordsSeen(Game):
    def see(self, agent):
        return "north" if (agent, self.time) == ("b", 2) else self.numbers(agent)


class ShortSeen(Game):
    def see(self, agent):
        return self.numbers(agent)[: 1 if (agent, self.time) == ("b", 2) else 3]


class NothingSeen(Game):
    def step(self, actions):
        seen, *others = super().step(actions)
        if self.time == 2:
            del seen["b"]
        return seen, *others


class NanState(Game):
    def state(self):
        return np.array([1.0, np.nan if self.time == 2 else 0.0])


class GrowingState(Game):
    def state(self):
        return np.zeros(3 + self.time // 2)


class StrangeReward(Game):
    reward = None

    def pay(self, agent):
        return self.reward if (agent, self.time) == ("b", 2) else super().pay(agent)


class HugeReward(StrangeReward):
    reward = 1e39


class NanReward(StrangeReward):
    reward = np.array([np.nan])


class NoReward(StrangeReward):
    pass


class TwoRewards(StrangeReward):
    reward = np.array([1.0, 1.0])


class WordsAsReward(StrangeReward):
    reward = "1.0"


class UnequalRewards(Game):
    def pay(self, agent):
        return 1.0 if agent == "a" or self.time < 2 else 2.0


class StrangeMask(Game):
    """What `b` is told of its legal actions in step 2; subclasses say."""

    told = {}  # noqa: RUF012

    def tell(self, agent):
        return self.told if (agent, self.time) == ("b", 2) else super().tell(agent)


class MaskForgotten(StrangeMask):
    pass


class MaskTooShort(StrangeMask):
    told = {"action_mask": [1, 0]}  # noqa: RUF012


class MaskOfNothing(StrangeMask):
    told = {"action_mask": [0, 0, 0]}  # noqa: RUF012


class MaskOfPenalties(StrangeMask):
    told = {"action_mask": [0.0, 0.0, -1e9]}  # noqa: RUF012


class MaskOfIllegal(StrangeMask):
    told = {"illegal_moves": [2]}  # noqa: RUF012


class MovesOutOfRange(StrangeMask):
    told = {"legal_moves": [0, 3]}  # noqa: RUF012


class MasksContradict(StrangeMask):
    told = {"action_mask": [1, 0, 0], "legal_moves": [1]}  # noqa: RUF012


class InfoIsAMask(StrangeMask):
    told = np.array([1, 1, 0])


class MaskNotAtTheReset(Game):
    def tell(self, agent):
        return super().tell(agent) if self.time else {}


class MaskBesideTheAgents(Game):
    def reset(self, seed=None, options=None):
        return super().reset(seed)[0], {"action_masks": {agent: self.mask(agent) for agent in self.agents}}


class DeclaredMaskMissing(Game):
    def observation_space(self, agent):
        return spaces.Dict({"observation": super().observation_space(agent), "action_mask": spaces.MultiBinary(3)})

    def tell(self, agent):
        return {}


class TwoMeanings(Game):
    """Two actions, and [0, 1]: is it a mask or a list?"""

    def action_space(self, agent):
        return spaces.Discrete(2)

    def tell(self, agent):
        return {"legal_moves": [0, 1]}


class UnknownAgent(Game):
    def step(self, actions):
        answer = super().step(actions)
        if self.time == 2:
            self.agents = [*self.agents, "c"]
        return answer


class OldReset(Game):
    def reset(self, seed=None, options=None):
        return super().reset(seed)[0]


class OldStep(Game):
    def step(self, actions):
        seen, rewards, _, cut, infos = super().step(actions)
        return seen, rewards, cut, infos


class SeedNotTaken(Game):
    def reset(self):
        return super().reset()


class FlagsInAList(Game):
    def step(self, actions):
        seen, rewards, _, _, infos = super().step(actions)
        return seen, rewards, [False, False], {}, infos


class FlagOfWords(Game):
    def step(self, actions):
        seen, rewards, _, cut, infos = super().step(actions)
        return seen, rewards, {"a": "no", "b": False}, cut, infos


class EverybodyLeaves(Game):
    def step(self, actions):
        seen, rewards, over, _, infos = super().step(actions)
        self.agents = self.agents if self.time < 2 else []
        return seen, rewards, over, dict.fromkeys("ab", False), infos


class ColumnSeen(Game):
    def numbers(self, agent):
        return super().numbers(agent)[:, None]


class EndsTheProgram(Unmasked):
    def pay(self, agent):
        if self.time == 2:
            sys.exit(3)
        return 1.0


class Fails(Unmasked):
    def pay(self, agent):
        return {0: 1.0, 1: 1.0}[self.time]


class NobodyThere(Game):
    def reset(self, seed=None, options=None):
        answer = super().reset(seed)
        self.agents = []
        return answer


class StrangeSpace(Game):
    def observation_space(self, agent):
        return spaces.Sequence(spaces.Discrete(2))


WRONG = {
    NanSeen: r"step 2, agent 'b': the observation holds nan; allowed are numbers from -1e\+12 to 1e\+12",
    InfSeen: "step 2, agent 'b': the observation holds -inf",
    HugeSeen: r"step 2, agent 'b': the observation holds 1e\+30",
    WordsSeen: "step 2, agent 'b': the observation is 'north'; needed are numbers",
    ShortSeen: r"step 2, agent 'b': the observation has shape \(1,\); its space is Box",
    NothingSeen: "step 2, agent 'b': there is no observation, although the agent plays on",
    NanState: "step 2: the state holds nan",
    GrowingState: "step 2: the state has 4 numbers; it had 3 before",
    HugeReward: r"step 2, agent 'b': the reward holds 1e\+39",
    NanReward: "step 2, agent 'b': the reward holds nan",
    NoReward: "step 2, agent 'b': there is no reward, although the agent plays on",
    TwoRewards: r"step 2, agent 'b': the reward is array\(\[1., 1.\]\); needed is one number",
    WordsAsReward: "step 2, agent 'b': the reward is '1.0'; needed are numbers",
    UnequalRewards: r"the rewards of step 2 are \[1.0, 2.0\]; .* reward=sum or reward=mean",
    MaskForgotten: "step 2, agent 'b': there is no mask of legal actions now, but one at other times",
    MaskTooShort: r"step 2, agent 'b': the action_mask is \[1, 0\]; needed are 3 values",
    MaskOfNothing: r"step 2, agent 'b': the action_mask is \[0, 0, 0\]; needed are 3 values, 0 or 1, at least one",
    MaskOfPenalties: r"step 2, agent 'b': the action_mask is \[0.0, 0.0, -1000000000.0\]; needed are 3 values",
    MaskOfIllegal: "step 2, agent 'b': 'illegal_moves' says what is not allowed; needed is action_mask",
    MovesOutOfRange: r"step 2, agent 'b': the legal_moves is \[0, 3\]; needed are 3 values",
    MasksContradict: r"step 2, agent 'b': the masks forbid \[0, 1, 2\]; one action must be legal",
    InfoIsAMask: r"step 2, agent 'b': the info is array\(\[1, 1, 0\]\); needed is a dictionary",
    MaskNotAtTheReset: "step 1, agent 'a': there is no mask of legal actions at the first reset, but one now",
    MaskBesideTheAgents: "reset: the infos hold 'action_masks' beside the agents; give each agent its own",
    DeclaredMaskMissing: "reset, agent 'a': there is no mask of legal actions now",
    TwoMeanings: r"reset, agent 'a': legal_moves=\[0, 1\] may be a mask or a list of actions",
    UnknownAgent: "step 2, agent 'c': it is not one of the game's possible agents, a, b",
    OldReset: r"reset returned .*; needed are observations and infos",
    OldStep: r"step 1: step returned .*; needed are observations, rewards, terminations, truncations and infos",
    SeedNotTaken: r"reset: the game's reset failed: TypeError: .* unexpected keyword argument 'seed'",
    FlagsInAList: r"step 1, agent 'a': the terminations are \[False, False\]; needed is a dictionary by agent",
    FlagOfWords: "step 1, agent 'a': one of the terminations is 'no'; needed are numbers",
    EverybodyLeaves: "step 2: agents a, b left the game, and neither terminations nor truncations say so",
    ColumnSeen: r"agent 'a': the observation has shape \(3, 1\); its space is Box",
    EndsTheProgram: r"step 2: the game's step failed: SystemExit: 3 \(strangers.py, line \d+\)",
    Fails: r"step 2: the game's step failed: KeyError: 2 \(strangers.py, line \d+\)",
    NobodyThere: "nobody is in the game after a reset",
    StrangeSpace: r"agent 'a': the observation space is Sequence\(.*; allowed are Box, Discrete",
}


# ---------------------------------------------------------------------------------------------------------------------
# By name


def in_words(kind):
    """nan_seen for NanSeen."""
    return re.sub("(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def every_kind(kind=Game):
    """A class and all that are made of it."""
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in every_kind(one))]


def parallel_env(habit="game", **arguments):
    return {in_words(kind): kind for kind in every_kind()}[habit](**arguments)


HARMLESS_NAMES = sorted(f"pettingzoo/strangers?habit={in_words(kind)}" for kind in HARMLESS)
