"""Tables and figures of results directories, beside the paper's.

results        runs, read from the directories that sweeps leave behind
published      the paper's own numbers, and what differs between its runs and ours
trained        with which options runs were trained
settings       what the paper calls an arm of ours
records        what a report is made of
summaries      what is known of each arm
result_tables  Tables 2, 3, 5, 16 and 17, with their `notes`
method_tables  Tables 1 and 6
formats        a report as Markdown, LaTeX or CSV
marl_eval      results as the JSON of the package marl-eval
figures        Figures 2 to 5, and three that put tasks together
attention      Figure 6
comparison     a verdict on two arms
printed        what the commands `table` and `figure` do
"""
