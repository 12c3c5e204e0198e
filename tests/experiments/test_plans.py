"""Which runs a sweep has: arms in one spelling, grids, named plans, and a file that says the same as the runs."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maca_edu import envs
from maca_edu.experiments import plans
from maca_edu.experiments.jobs import Job, run_folder
from maca_edu.experiments.options import arm_options, options_in_words, with_grid
from maca_edu.experiments.plans import Asked, command_of, job_of, jobs_of, read_plan, write_plan
from maca_edu.experiments.presets import preset
from maca_edu.training.methods import METHODS

ENV = "toy/xor?n_agents=2"
LISTED = Asked(envs=(ENV,), methods=("maca",), steps=1024, seeds=2)


def test_an_arm_is_a_method_with_settings():
    chosen, name = arm_options("--epochs 3 --clip 0.3", ENV, "maca sigma=.18 clip=.05 centred=True critic_epochs=2")
    assert name == "maca sigma=0.18 clip=0.05 centred=True critic-epochs=2"
    config = preset(None, ENV, "maca")[0]
    varied = dict(sigma=0.18, clip=0.05, centred=True, critic_epochs=2)
    assert chosen.config == dataclasses.replace(config, epochs=3, **varied)
    assert arm_options("", ENV, "maca batch=7 preset=quick")[0].batch == 7


def test_a_grid_has_every_combination():
    arms = with_grid(["maca", "mappo"], ["clip=.05,.1", "epochs=5"])
    assert arms == [
        "maca clip=.05 epochs=5",
        "maca clip=.1 epochs=5",
        "mappo clip=.05 epochs=5",
        "mappo clip=.1 epochs=5",
    ]
    jobs = jobs_of(dataclasses.replace(LISTED, grid=("clip=.05,0.1,.10",)))
    assert [(job.arm, job.seed, job.config.clip) for job in jobs] == [
        *(("maca clip=0.05", 0, 0.05), ("maca clip=0.1", 0, 0.1)),
        *(("maca clip=0.05", 1, 0.05), ("maca clip=0.1", 1, 0.1)),
    ]
    assert str(run_folder("out", jobs[0])) == "out/toy-xor-n_agents=2/maca_clip=0.05/0"


SETTINGS = {
    "clip": st.floats(0.01, 0.9),
    "epochs": st.integers(1, 9),
    "sigma": st.none() | st.floats(0, 1),
    "centred": st.booleans(),
    "recurrent": st.booleans(),
    "critic_sizes": st.lists(st.integers(1, 99), min_size=1, max_size=3).map(tuple),
    "critic_betas": st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)),
    "value": st.sampled_from(["mlp", "units"]),
    "evaluate_every": st.integers(0, 50),
}


@settings(max_examples=40, deadline=None)
@given(
    changes=st.fixed_dictionaries({}, optional=SETTINGS),
    base=st.sampled_from([None, "toy", "quick", "paper"]),
    batch=st.integers(1, 9),
    save_every=st.integers(1, 40),
    arm=st.sampled_from(["", "clip=0.05", "preset=paper"]),
)
def test_a_run_and_its_words_say_the_same(changes, base, batch, save_every, arm):
    config = dataclasses.replace(preset("paper" if "preset" in arm else base, ENV, "maca")[0], **changes)
    config = dataclasses.replace(config, clip=0.05) if "clip" in arm else config
    job = Job(ENV, "maca", 0, 10_000, batch, config, save_every, arm)
    assert job_of(ENV, job.arm, 0, 10_000, options_in_words(job)) == job


def test_words_begin_with_the_preset_that_is_nearest():
    config, batch = preset("paper", ENV, "maca")
    job = Job(ENV, "maca", 0, 10_000, batch, dataclasses.replace(config, evaluate_every=3))
    assert options_in_words(job) == "--preset paper --evaluate-every 3"


def test_a_plan_is_read_as_it_was_written(tmp_path):
    jobs = jobs_of(dataclasses.replace(LISTED, grid=("sigma=None,0.3",), options="--critic-sizes 8 4 --save-every 3"))
    write_plan(tmp_path / "plan.csv", jobs)
    assert read_plan(tmp_path / "plan.csv") == jobs == jobs_of(Asked(str(tmp_path / "plan.csv")))
    assert (tmp_path / "plan.csv").read_text().splitlines()[1] == (
        f"{ENV},maca sigma=None,0,1024,--critic-sizes 8 4 --save-every 3"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("toy/bridge,maca,0,1024,", "line 2: env='toy/bridge'"),
        ("toy/xor,qmix,0,1024,", "line 2: method='qmix'"),
        ("toy/xor,maca,x,1024,", "line 2: invalid literal"),
        (f"toy/xor,maca,{2**128},1024,", r"line 2: seed=\d+; allowed are integers from 0 and below 2\^128"),
        ("toy/xor,maca,0,1,", "line 2: steps=1; one update takes"),
        ("toy/xor,maca lr=-1,0,1024,", "line 2: options='--lr -1': lr=-1.0; allowed are positive numbers"),
        ("toy/xor,maca,0", "line 2: "),
    ],
)
def test_a_wrong_line_of_a_plan_is_named(tmp_path, line, message):
    (tmp_path / "plan.csv").write_text(f"env,arm,seed,steps,options\n{line}\n")
    with pytest.raises(ValueError, match=message):
        read_plan(tmp_path / "plan.csv")


def test_what_is_no_plan_is_refused(tmp_path):
    (tmp_path / "plan.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is no plan"):
        read_plan(tmp_path / "plan.csv")
    with pytest.raises(ValueError, match="is a file, which says all"):
        jobs_of(Asked("plan.csv", seeds=3))


def test_the_most_runs_are_allowed_and_one_more_is_not(tmp_path, monkeypatch):
    assert plans.MOST_RUNS == 10_000
    monkeypatch.setattr(plans, "MOST_RUNS", 4)
    jobs = jobs_of(dataclasses.replace(LISTED, methods=("maca", "mappo"), first_seed=2**128 - 2))
    write_plan(tmp_path / "plan.csv", jobs)
    assert read_plan(tmp_path / "plan.csv") == jobs
    with (tmp_path / "plan.csv").open("a") as file:
        file.write(f"{ENV},ippo,0,1024,\n")
    with pytest.raises(ValueError, match=r"plan\.csv' asks for 5 runs; allowed in one sweep are at most 4$"):
        read_plan(tmp_path / "plan.csv")
    with pytest.raises(ValueError, match=r"this sweep asks for 5 runs; allowed in one sweep are at most 4$"):
        jobs_of(dataclasses.replace(LISTED, seeds=5))


def test_a_plan_is_counted_before_its_runs_are_made(monkeypatch):
    monkeypatch.setattr(plans, "jobs_of_part", None)
    with pytest.raises(ValueError, match="asks for 20,002 runs"):
        jobs_of(dataclasses.replace(LISTED, methods=("maca", "mappo"), seeds=10_001))


@pytest.mark.parametrize("name", plans.NAMED)
@pytest.mark.parametrize("budget", ["quick", "small", "paper"])
def test_named_plans_have_environments_and_settings_that_exist(name, budget):
    """All words are understood, but for StarCraft's, which may not be installed here."""
    if (name, budget) == ("toys", "paper"):
        with pytest.raises(ValueError, match="not in the paper"):
            plans.toys("paper")
        return
    for part in plans.NAMED[name](budget):
        assert part.env.partition("?")[0] in envs.names()
        assert {arm.split()[0] for arm in part.arms} <= METHODS.keys()
        job = job_of(part.env, part.arms[-1], 0, part.steps, part.options)
        assert job.arm == part.arms[-1]
        if budget == "paper":
            assert job.in_update * job.config.evaluate_every == plans.PROTOCOL_STEPS


@pytest.mark.parametrize("budget", ["quick", "small", "paper"])
def test_table_5_has_continuous_actions_and_the_papers_collisions(budget):
    parts = plans.table5(budget)
    assert [part.env.partition("/")[0] for part in parts] == ["mpe" if budget == "paper" else "jaxmpe"] * 3
    for part in parts:
        assert ("collisions=v2" in part.env) == ("simple_spread" in part.env)
        assert envs.sizes(part.env).continuous


def test_the_tables_that_vary_settings_vary_those_of_the_paper():
    of_sixteen = {(job.config.epochs, job.config.clip) for job in jobs_of(Asked("table16", envs=("toy/ring",)))}
    assert of_sixteen == {(10, 0.05), (10, 0.075), (10, 0.1), (10, 0.125), (5, 0.05), (5, 0.1)}
    sigmas = [job.config.sigma for job in jobs_of(Asked("table17", envs=("toy/ring",), seeds=1))]
    assert sigmas == pytest.approx([share / 5 for share in (0.9, 0.95, 1, 1.05, 1.1)])


def test_the_papers_protocol_is_the_nearest_whole_number_of_updates():
    asked = dataclasses.replace(LISTED, seeds=1, paper_protocol=True, options="--rollout 32 --batch 64", steps=204_800)
    (job,) = jobs_of(asked)
    assert (job.config.evaluate_every, job.config.evaluate_episodes) == (78, 40)
    assert abs(job.config.evaluate_every * job.in_update - 160_000) < job.in_update / 2


def test_a_named_plan_can_be_cut_down():
    jobs = jobs_of(Asked("toys", envs=("toy/fridge",), methods=("maca", "coma"), seeds=1, steps=512, first_seed=7))
    found = [(job.env, job.arm, job.seed, job.steps) for job in jobs]
    assert found == [("toy/fridge", "coma", 7, 512), ("toy/fridge", "maca", 7, 512)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked(), "envs is missing; name a plan"),
        (dataclasses.replace(LISTED, seeds=10**8), "this sweep asks for 100,000,000 runs; .* at most 10,000"),
        (dataclasses.replace(LISTED, seeds=10**5000), "asks for more than 1,000,000,000,000,000 runs; allowed in"),
        (dataclasses.replace(LISTED, methods=("maca", "mappo"), seeds=5001), "asks for 10,002 runs"),
        (dataclasses.replace(LISTED, grid=("sigma=" + ",".join(map(str, range(101))),) * 2), "asks for 20,402 runs"),
        (Asked("toys", seeds=10**6), "asks for 100,000,000 runs; allowed in one sweep are at most 10,000"),
        (dataclasses.replace(LISTED, first_seed=2**128 - 1), r"first_seed \+ seeds - 1=340\d+456; .* below 2\^128"),
        (Asked(envs=(ENV,), methods=("maca",)), "steps is missing"),
        (Asked("table4"), "name='table4'; allowed are toys"),
        (Asked("toys", envs=("toy/xor",)), "envs='toy/xor'; this plan has toy/fridge"),
        (Asked("toys", methods=("qmix",)), "methods='qmix'; this plan has mappo"),
        (Asked("toys", methods=()), r"methods=\[\]"),
        (dataclasses.replace(LISTED, grid=("clip",)), "grid='clip'; allowed is a setting with its values"),
        (dataclasses.replace(LISTED, grid=("clip=.1,",)), "grid='clip=.1,'"),
        (dataclasses.replace(LISTED, grid=("colour=red",)), "'colour=red' is no setting of one value"),
        (dataclasses.replace(LISTED, grid=("actor_sizes=8",)), "'actor_sizes=8' is no setting of one value"),
        (dataclasses.replace(LISTED, methods=("maca clip=.1 clip=.2",)), "has a setting twice"),
        (dataclasses.replace(LISTED, methods=("",)), "method=''"),
        (dataclasses.replace(LISTED, methods=("maca clip=x",)), "options='--clip x': "),
        (dataclasses.replace(LISTED, grid=("clip=True",)), "options='--clip': "),
        (dataclasses.replace(LISTED, grid=("clip=-1",)), "clip=-1.0; allowed are positive numbers"),
    ],
)
def test_what_cannot_be_a_sweep_is_one_sentence(asked, message):
    with pytest.raises(ValueError, match=message):
        jobs_of(asked)


def test_a_command_asks_for_the_same_again():
    asked = Asked("table2", "small", envs=("smax/5m_vs_6m",), methods=("maca sigma=0.1",), grid=("clip=.1,.2",),
                  seeds=4, first_seed=2, options="--lr 1e-3", paper_protocol=True)  # fmt: skip
    assert command_of(asked) == (
        "maca-edu sweep table2 --budget small --envs smax/5m_vs_6m --methods 'maca sigma=0.1' --grid clip=.1,.2 "
        "--seeds 4 --first-seed 2 --paper-protocol --options='--lr 1e-3'"
    )
