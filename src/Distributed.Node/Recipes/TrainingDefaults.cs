using Distributed.Node.Composition;

namespace Distributed.Node.Recipes;

/// <summary>Fills in what a recipe leaves open and what follows from other options, so that the effective recipe says everything.</summary>
internal static class TrainingDefaults
{
    public static Recipe Fill(Recipe recipe)
    {
        var algorithm = Fill(recipe.Algorithm, recipe.Loss);
        var cores = System.Environment.ProcessorCount;
        var cluster = recipe.Cluster;
        var episodes = (recipe.PromptsPerStep * recipe.GroupSize + cluster.RolloutNodes - 1) / cluster.RolloutNodes;
        return recipe with
        {
            Environment = Fill(recipe.Environment),
            Engine = Fill(recipe.Engine),
            Algorithm = algorithm,
            Ig = Fill(recipe.Ig, algorithm),
            Loss = Fill(recipe.Loss, algorithm),
            Cluster = cluster with
            {
                EpisodesPerNode = cluster.EpisodesPerNode ?? episodes,
                RolloutThreads = cluster.RolloutThreads ?? Math.Max(1, cores / cluster.RolloutNodes),
                ScorerThreads = cluster.ScorerThreads ?? Math.Max(1, cores / cluster.ScorerNodes),
                LearnerThreads = cluster.LearnerThreads ?? cores,
            },
        };
    }

    // What auto stands for is settled once, so that a resumed run has the same.
    private static EngineSection Fill(EngineSection engine) => engine.Name != "auto" ? engine
        : TorchEngines.HasCuda ? engine with { Name = "torch", Device = engine.Device ?? "cuda" } : engine with { Name = "managed", Device = null, Dtype = null, PassTokens = null };

    public static EnvironmentSection Fill(EnvironmentSection environment)
    {
        var name = environment.Name ?? (environment.Assembly is null ? "search-world" : null);
        return name switch
        {
            "search-world" => environment with
            {
                Name = name,
                Level = environment.Level ?? 1,
                Seed = environment.Seed ?? 1,
                Reward = environment.Reward ?? "exact_match",
            },
            "jsonl-search" => environment with { Reward = environment.Reward ?? "exact_match" },
            _ => environment,
        };
    }

    private static InformationGainSection Fill(InformationGainSection ig, AlgorithmSection algorithm) => ig.Log || CreditOptions.NeedsScores(algorithm)
        ? ig with { Scale = ig.Scale ?? (algorithm.Variant == "released" ? "log_prob_diff" : "prob_diff") }
        : ig;

    private static AlgorithmSection Fill(AlgorithmSection algorithm, LossSection loss)
    {
        if (algorithm.Name != "a2tgpo")
        {
            var other = CreditOptions.Fill(algorithm);
            if (other.Name == "istar") other = other with { ProcessReward = other.ProcessReward ?? new ProcessRewardSection() };
            return other.Scale == "none" ? other with { ScaleFloor = null } : other;
        }
        var adaptiveClip = algorithm.AdaptiveClip ?? loss.PolicyLoss is null or "turn"; // only a turn's own ratio has a range to adapt
        var filled = CreditOptions.Fill(algorithm with
        {
            Alpha = algorithm.Alpha ?? (algorithm.Variant == "released" ? 0.3 : 1),
            AdaptiveClip = adaptiveClip,
        });
        return adaptiveClip ? filled : filled with { Beta = null };
    }

    private static LossSection Fill(LossSection loss, AlgorithmSection algorithm)
    {
        var policyLoss = loss.PolicyLoss ?? (algorithm.Name == "a2tgpo" ? "turn" : "ppo_clip");
        var (low, high) = policyLoss switch
        {
            "turn" => (3e-3, 4e-3),
            "gspo" => (3e-4, 4e-4),
            "cispo" => (1, 0.2),
            "gmpo" => (0.4, 0.4),
            _ => (0.2, 0.2),
        };
        var bySequence = (algorithm.Name == "a2tgpo" && algorithm.Variant != "released") || policyLoss is "gspo" or "sapo";
        return loss with
        {
            PolicyLoss = policyLoss,
            ClipRatioLow = loss.ClipRatioLow ?? low,
            ClipRatioHigh = loss.ClipRatioHigh ?? high,
            ClipRatioC = loss.ClipRatioC ?? (policyLoss == "ppo_clip" ? 3 : null),
            LossAggMode = loss.LossAggMode ?? (policyLoss == "gmpo" ? null : bySequence ? "seq-mean-token-mean" : "token-mean"),
            KlEstimator = loss.KlEstimator ?? (loss.KlCoef > 0 ? "k3" : null),
        };
    }
}
