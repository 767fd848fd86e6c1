"""Alignment: a tuned model is improved by what is preferred or can be checked.

config          what a run is told; methods: their names, and what carries each out
practice        rounds carried out, in memory or on a model folder
answers         several answers to one prompt, read side by side in one row: their log-probabilities
environments/   rollouts: the model tries, a reward judges, every try is kept
preferences/    pairs of answers, of which one was preferred; how far judges agree
rewards/        what an answer is worth: learned from pairs, step by step, or checked by a program
rounds          answers, rewards and lessons as batches of the one training loop, for every method
reinforce       the policy gradient and its baseline
rloo            each answer against the mean of the others of its group
grpo            each answer against its group, in deviations of it
dpo/            pairs without a reward model: DPO, IPO, KTO, ORPO, SimPO
rejection/      best-of-n, and tuning on one's own best answers
distill/        a teacher corrects every token of the student's own answers
constitutional/ critique, revision and the model's own preferences, by a written law
challenges/     what goes wrong, shown where the truth is known
ppo             each token against what a value head expected
"""
