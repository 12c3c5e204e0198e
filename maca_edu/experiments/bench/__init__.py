"""How long things take: `maca-edu bench` measures the learner, `maca-edu bench worlds` whole trainings.

A machine is never as fast twice. So what is compared runs alternately, and what is reported are ratios: the time of one
over the time of the other in the same round, with the median and the quartiles over the rounds.

timing        measuring itself: rounds, ratios, memory, arithmetic

critics       baselines, fused and written out
updates       MACA's update over MAPPO's; fused baselines inside an update
growth        what a sample costs with more agents, and with more environments
shares        environment, acting and learning
core          all four

neighbour     a process that keeps a core busy
one_training  one training, in a process of its own
peers         other code bases, measured by hand
worlds        whole trainings, in one process and in several, idle and beside a neighbour

report        what was measured, in words and as a figure
"""
