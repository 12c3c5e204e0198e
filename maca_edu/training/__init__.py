"""Training. First the pieces, none of which knows an environment or a method; then the loop that joins them.

buffer      What happened?                      RolloutBuffer, minibatches
returns     What was a step worth?              lambda_returns, next_values
value_norm  In whose units?                     ValueNorm
losses      How far may the policy move?        policy_loss, value_loss, entropy, normalise_advantage, HAPPO's factor
psi         Which mixture of baselines?         PsiSearch
rng         Whose random numbers?               streams, get_state, set_state
checkpoint  And if the machine stops?           capture, restore, save, load

config         What may be told?               Config
methods        Who is who in Table 1?          METHODS, find, table
critics        What does each method learn?    CRITICS
learner        How does a rollout teach?       Team, Learner
loop           Play, learn, write down         train, load, play
run_directory  Where is it written?            RunDirectory
"""
