"""Wrong answers to chapter 1's exercises, each with a fragment of what its reader must be told."""

MUTANTS = {
    "team_reward": [
        ("once for each member", ("return sum(", "return sum(term.level * "), "once for every member"),
        ("shared out among the members", ("return sum(", "return sum(1 / term.level * "), "divide each term"),
        ("first agents", ("tuple(action[i] for i in term.agents)", "action[: term.level]"), "first agents"),
        ("members in rising order", ("in term.agents)", "in sorted(term.agents))"), "in their order"),
        ("forgets one term", ("in terms)", "in terms[1:])"), "Add up all terms"),
        ("forgets the last term", ("in terms)", "in terms[:-1])"), "Add up all terms"),
        ("turns the actions round", ("for i in term.agents)", "for i in reversed(term.agents))"), "in their order"),
        (
            "one term for a group",
            "def my_team_reward(terms, action):\n"
            "    return sum({t.agents: t.table[tuple(action[i] for i in t.agents)] for t in terms}.values())\n",
            "Add up all terms",
        ),
        ("lists the payments", ("return sum(", "return list("), "one number is needed"),
    ],
    "what_if": [
        (
            "sign",
            ("payoff[tuple(action)] - payoff[tuple(changed)]", "payoff[tuple(changed)] - payoff[tuple(action)]"),
            "sign",
        ),
        (
            "three agents only",
            "def my_what_if(payoff, action, agent, other):\n"
            "    a, b, c = (other if i == agent else action[i] for i in range(3))\n"
            "    return payoff[action[0], action[1], action[2]] - payoff[a, b, c]\n",
            "one number is needed",
        ),
        ("no difference", ("payoff[tuple(action)] - ", ""), "difference of two rewards"),
        (
            "changes everybody else",
            ("changed[agent] = other", "changed = [other] * len(action)\n    changed[agent] = action[agent]"),
            "hold all others still",
        ),
        ("the sum of two", ("payoff[tuple(action)] - ", "payoff[tuple(action)] + "), "the difference is 0.000"),
        ("ignores other", ("changed[agent] = other", "changed[agent] = 0"), "action 0 every time"),
        ("changes agent 0", ("changed[agent]", "changed[0]"), "one agent and no other"),
        ("everybody plays other", ("changed[agent] = other", "changed = [other] * len(action)"), "every agent"),
    ],
    "dividends": [
        ("sign of odd groups", ("(len(G) - len(H))", "len(H)"), "odd number of agents"),
        ("no signs", ("(-1) ** (len(G) - len(H)) * ", ""), "alternate"),
        (
            "superset in place of subset",
            (
                "(-1) ** (len(G) - len(H)) * reward(H) for H in subsets(G))",
                "(-1) ** (len(G) - len(H)) * reward(H) for H in subsets(everyone) if set(G) <= set(H))",
            ),
            "contained in G",
        ),
        (
            "reference ignored",
            ("1 - reference[i] if i in H else reference[i]", "1 if i in H else 0"),
            "Hold them at their reference",
        ),
        (
            "rewards of the groups",
            ("sum((-1) ** (len(G) - len(H)) * reward(H) for H in subsets(G))", "reward(G)"),
            "rewards, not dividends",
        ),
        (
            "takes away the constant only",
            ("sum((-1) ** (len(G) - len(H)) * reward(H) for H in subsets(G))", "reward(G) - reward(()) * (G != ())"),
            "at the reference only",
        ),
        ("no empty group", ("for G in subsets(everyone)}", "for G in subsets(everyone) if G}"), "no key ()"),
        ("nothing between alone and all", ("range(len(group) + 1)", "{0, len(group)}"), "no key"),
        (
            "skips the single agents",
            ("for H in subsets(G))", "for H in subsets(G) if len(H) != 1)"),
            "with a pencil",
        ),
        ("returns an array", "def my_dividends(payoff, reference):\n    return payoff\n", "a dict from groups"),
        (
            "leaves out what is zero",
            (
                "return {G: sum((-1) ** (len(G) - len(H)) * reward(H) for H in subsets(G)) for G in subsets(everyone)}",
                "m = {G: sum((-1) ** (len(G) - len(H)) * reward(H) for H in subsets(G)) for G in subsets(everyone)}\n"
                "    return {G: m[G] for G in m if m[G]}",
            ),
            "those whose dividend is 0",
        ),
        (
            "moves the payoff to its mean",
            ("everyone = range(payoff.ndim)", "payoff -= 1.0\n    everyone = range(payoff.ndim)"),
            "writes into its argument `payoff`",
        ),
    ],
    "highest_level": [
        ("agents that matter", ("terms = anchored_terms(payoff, (0,) * payoff.ndim)",
            "return sum(np.ptp(payoff, axis=i).max() > 1e-9 for i in range(payoff.ndim))\n    terms = payoff"),
            "count the agents that matter"),
        ("number of dividends", ("acting[~np.isclose(terms, 0)].max(initial=0)", "np.sum(~np.isclose(terms, 0))"),
            "count the dividends"),
        ("rounding", ("~np.isclose(terms, 0)", "terms != 0"), "np.isclose"),
        ("level of the largest dividend", ("acting[~np.isclose(terms, 0)].max(initial=0)",
            "acting.flat[np.abs(terms).argmax()]"), "largest dividend"),
        ("no dividend at all", ("max(initial=0)", "max()"), "raised ValueError"),
        ("below zero", ("max(initial=0)", "max(initial=-1)"), "a payoff of 0 whatever happens"),
        ("one too many", ("max(initial=0)", "max(initial=0) + 1"), "the highest level is"),
        ("reads rewards", ("anchored_terms(payoff, (0,) * payoff.ndim)", "payoff"), "rewards that are not zero"),
        ("number of agents", "def my_highest_level(payoff):\n    return payoff.ndim\n", "number of agents"),
        (
            "two actions only",
            ("payoff.ndim)\n", "payoff.ndim)\n    terms = terms[(slice(2),) * terms.ndim]\n"),
            "actions 0 and 1 only",
        ),
    ],
}  # fmt: skip
