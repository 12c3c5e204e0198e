"""The pieces that every training run is made of. None of them knows an environment or a method.

buffer      What happened?                      RolloutBuffer, minibatches
returns     What was a step worth?              lambda_returns, next_values
value_norm  In whose units?                     ValueNorm
losses      How far may the policy move?        policy_loss, value_loss, entropy, normalise_advantage, HAPPO's factor
psi         Which mixture of baselines?         PsiSearch
rng         Whose random numbers?               streams, get_state, set_state
checkpoint  And if the machine stops?           capture, restore, save, load
"""
