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
            Algorithm = algorithm,
            Ig = recipe.Ig with { Scale = recipe.Ig.Scale ?? (algorithm.Variant == "released" ? "log_prob_diff" : "prob_diff") },
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

    private static AlgorithmSection Fill(AlgorithmSection algorithm, LossSection loss)
    {
        if (algorithm.Name == "grpo")
        {
            return algorithm with { NormAdvByStdInGrpo = algorithm.NormAdvByStdInGrpo ?? true };
        }
        var variant = algorithm.Variant ?? "paper";
        var adaptiveClip = algorithm.AdaptiveClip ?? loss.PolicyLoss != "ppo_clip"; // only a turn's own ratio has a range to adapt
        return algorithm with
        {
            Variant = variant,
            Alpha = algorithm.Alpha ?? (variant == "released" ? 0.3 : 1),
            Gamma = algorithm.Gamma ?? 1,
            Beta = algorithm.Beta ?? (adaptiveClip ? 0.3 : null),
            IgStdFloor = algorithm.IgStdFloor ?? 0,
            TurnGroupNorm = algorithm.TurnGroupNorm ?? true,
            SqrtNScaling = algorithm.SqrtNScaling ?? true,
            AdaptiveClip = adaptiveClip,
        };
    }

    private static LossSection Fill(LossSection loss, AlgorithmSection algorithm)
    {
        var policyLoss = loss.PolicyLoss ?? (algorithm.Name == "a2tgpo" ? "turn" : "ppo_clip");
        var turn = policyLoss == "turn";
        var aggregation = algorithm.Name == "a2tgpo" && algorithm.Variant != "released" ? "seq-mean-token-mean" : "token-mean";
        return loss with
        {
            PolicyLoss = policyLoss,
            ClipRatioLow = loss.ClipRatioLow ?? (turn ? 3e-3 : 0.2),
            ClipRatioHigh = loss.ClipRatioHigh ?? (turn ? 4e-3 : 0.2),
            ClipRatioC = loss.ClipRatioC ?? (turn ? null : 3),
            LossAggMode = loss.LossAggMode ?? aggregation,
        };
    }
}
