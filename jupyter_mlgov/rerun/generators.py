"""Names of random generators: what seeds them, what makes one of its own, which estimators draw from them."""

from __future__ import annotations

import re

NOT_DRAWN = frozenset(
    {"seed", "default_rng", "RandomState", "Generator", "get_state", "set_state", "SeedSequence", "PCG64", "MT19937",
     "Random", "SystemRandom", "getstate", "setstate", "manual_seed"}
)  # fmt: skip
SEEDING = {
    "numpy.random.seed": "numpy",
    "numpy.random.set_state": "numpy",
    "random.seed": "python",
    "random.setstate": "python",
    "torch.manual_seed": "torch",
    "torch.random.manual_seed": "torch",
    "tensorflow.random.set_seed": "tensorflow",
    "tensorflow.keras.utils.set_random_seed": "all",
    "keras.utils.set_random_seed": "all",
    "pytorch_lightning.seed_everything": "all",
    "lightning.seed_everything": "all",
    "sklearn.utils.check_random_state": "",
}
OWN = frozenset({"numpy.random.default_rng", "numpy.random.RandomState", "random.Random", "numpy.random.SeedSequence",
                  "numpy.random.PCG64", "torch.Generator"})  # fmt: skip
ENTROPY = ("random.SystemRandom", "secrets.", "os.urandom", "uuid.uuid1", "uuid.uuid4")
SEEDABLE = re.compile(
    r"train_test_split|(?:Stratified|Group|Repeated)*(?:KFold|ShuffleSplit)|shuffle|resample|permutation_importance"
    r"|make_(?!pipeline|union|column_|scorer)\w+|Random(?:Forest|Trees|izedSearch|Sampl|OverSampler|UnderSampler)\w*|ExtraTree\w*|\w*GradientBoosting\w*"
    r"|MLP\w*|SGD\w*|Perceptron|PassiveAggressive\w*|(?:MiniBatch|Bisecting)?KMeans|(?:Extra)?DecisionTree\w*"
    r"|IsolationForest|TSNE|UMAP|NMF|LatentDirichletAllocation|(?:Bayesian)?GaussianMixture|Bagging\w*|AdaBoost\w*"
    r"|XGB\w*|LGBM\w*|CatBoost\w*|SMOTE\w*|BernoulliRBM|SpectralClustering|TruncatedSVD|FastICA|DummyClassifier"
)
SHUFFLED = re.compile(r"(?:Stratified|Group)*KFold")
SEED_WORDS = ("random_state", "seed", "rng", "random_seed", "generator")
