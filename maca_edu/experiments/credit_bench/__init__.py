"""`maca-edu credit-bench`: our methods and a user's function on the bench of `maca_edu.credit_bench`.

ours       every method's advantage as an estimator of the bench
choose     estimators by name, or module:function
tables     the scores as text and as files
picture    the scores as a picture
"""
