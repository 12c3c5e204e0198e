"""Tables and figures of results directories, beside the paper's.

results      runs, read from the directories that sweeps leave behind
published    the paper's own numbers, and what differs between its runs and ours
records      a table, and what a table says of each arm
result_tables  Tables 2, 3, 5, 16 and 17
method_tables  Tables 1 and 6
formats      Markdown, LaTeX, CSV
figures      learning curves and profiles
attention    Figure 6
comparison   a verdict on two arms
marl_eval    export for the package marl-eval
"""
