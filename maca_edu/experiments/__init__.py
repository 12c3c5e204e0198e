"""Experiments: where names become environments and methods.

run              train, load, evaluate
presets          settings that go together, those of the paper among them
monitor          what a person sees of a run: progress bar, TensorBoard, summary
watch            a run's greedy play as a film
credit           a run's true and learned credit side by side; credit_files and credit_film write it
budget           who owns the variance of a run's advantages
sweep            many runs, several at a time; jobs: what one run is; plans and options: which runs there are
local_engine     who does the runs: processes of this machine; ray_engine: a cluster; run_job: what they do with one
sweep_progress   how far a sweep is; estimate: what it will cost
sweep_tables     what the runs of a sweep reached, in four files; provenance: where numbers come from
learning_curves  pictures of learning curves, of one run and of a sweep
statistics       how good an arm is, how sure that is, and how it compares with others
decisions        a verdict on two arms, and how many seeds it takes
reports          tables and figures of results directories, beside the paper's
bench            measurements of speed
memory           what is free on this machine, and freed memory that a training keeps
parameters       Table 6: how large the critics are
doctor           what is installed
"""
