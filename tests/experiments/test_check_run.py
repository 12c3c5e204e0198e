"""What a training would refuse before its first step is refused before a sweep writes anything."""

import pytest

from maca_edu.experiments.run import check_run, train
from maca_edu.experiments.sweep import Job, sweep
from maca_edu.training.config import Config

SMALL = dict(rollout=4)
SPREAD = "mpe/simple_spread?continuous=true"
REFUSED = [  # environment, method, settings, what is said
    ("toy/xor", "mappo", dict(minibatches=9), "minibatches=9; allowed are 1 to 8"),
    ("toy/xor", "maca", dict(minibatches=5, recurrent=True, chunk=2), "minibatches=5; allowed are 1 to 4"),
    (SPREAD, "maca-lsq", {}, "needs a few actions to choose from, so they cannot be continuous"),
    (SPREAD, "maca-ob", {}, "needs a few actions to choose from, so they cannot be continuous"),
    ("toy/xor", "mappo", dict(advantage="critic"), "advantage='critic' is not for method='mappo'"),
    ("toy/xor", "mappo", dict(returns="corrected"), "returns='corrected' is not for method='mappo'"),
    ("toy/xor", "mappo", dict(value="units"), "value='units' needs a state of which is known"),
    ("toy/xor", "coma", dict(value="units"), "value='units' is for methods with a V of the state"),
    ("toy/bridge", "mappo", {}, "env='toy/bridge'"),
    ("toy/xor", "nothing", {}, "method='nothing'"),
    ("toy/xor", "mappo", dict(rollout=100), "steps=64; one update takes rollout * batch = 200 steps"),
]


@pytest.mark.parametrize(("env", "method", "settings", "message"), REFUSED)
def test_check_run_refuses_what_train_refuses(tmp_path, env, method, settings, message):
    config = Config(**SMALL | settings)
    for call in (
        lambda: check_run(env, method, 64, 2, config),
        lambda: train(env, method, 64, 0, tmp_path / "run", batch=2, config=config),
    ):
        with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
            call()
        assert message in str(error.value)


@pytest.mark.parametrize(
    ("env", "method", "settings"),
    [("toy/xor", "mappo", dict(minibatches=8)), (SPREAD, "mappo", {}), (SPREAD, "maca", {})],
)
def test_check_run_lets_pass_what_train_takes(env, method, settings):
    config = Config(**SMALL | settings)
    check_run(env, method, 8, 2, config)
    train(env, method, 8, batch=2, config=config)


@pytest.mark.parametrize("place", [0, 1])
def test_one_job_that_cannot_run_keeps_a_sweep_from_writing(tmp_path, place):
    jobs = [Job("toy/xor", "mappo", 0, 64, 2, Config(**SMALL))]
    jobs.insert(place, Job(SPREAD, "maca-ob", 0, 64, 2, Config(**SMALL)))
    with pytest.raises(ValueError, match=r"^maca-ob in mpe/simple_spread.* cannot be continuous"):
        sweep(tmp_path / "sweep", jobs, "a command")
    assert not list(tmp_path.iterdir())
