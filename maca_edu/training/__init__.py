"""Training, from a rollout to better networks. Read in this order; each module stands on those before it.

config         What may be told?                        Config
records        What is handed on, in which shapes?      Rollout, JudgedBatch, ...
processes      Who learns together?                     Processes, OneProcess
rollout        What happened?                           RolloutBuffer
team           Who acts?                                Team
value_norm     In whose units?                          ValueNorm
feature_norm   What do the networks read?               Features
critics        What does each critic say and learn?     ValueCritic, ComaCounterfactual, Utilities, Maca
corrected      What do later actions add?               CorrectedMaca
judging        What do policy and critic think?         judge
returns        What was a step worth?                   lambda_returns, rollout_returns
advantages     What do the policies follow?             Advantage
ppo            How far may one rollout move them?       update_together, update_in_turn, improve_critic
methods        What separates one method from another?  METHODS: Table 1, each row with its function
diagnostics    How much of it is noise?                 measure
trying         Does a critic say what it should?        try_critic
psi_search     Which mixture of baselines?              PsiSearch
psi_squares    And without a search?                    PsiSquares
learner        The update, as a recipe                  Learner.update
play           What was learned?                        Policy, play_episodes
counterfactual What was an action worth, measured?     forked_returns
budget         Who owns an advantage's variance?        measure_moments, shares
trainer        Play and learn, again and again          Trainer.step
findings       What did a run notice about itself?      Watch, findings
loop           Whole runs, and their files              train, load

rng, checkpoint and run_directory keep chance, states and files; precision says how exactly matrices are multiplied;
limited_steps is CMA-ES as psi_search has it.
"""
