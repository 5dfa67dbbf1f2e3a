using Distributed.Node.Composition;

namespace Distributed.Node.Recipes;

/// <summary>What of a recipe's engines cannot be.</summary>
internal static class EngineChecks
{
    /// <summary>Whether any role computes with torch: what samples and what trains then agree to rounding, not to the bit.</summary>
    public static bool UsesTorch(EngineSection engine) => engine.Name != "managed" || Owns(engine).Any(own => own.Value.StartsWith("torch", StringComparison.Ordinal));

    /// <summary>Refuses what does not fit together.</summary>
    public static void Check(Recipe recipe, OptionBinder binder)
    {
        var engine = recipe.Engine;
        foreach (var (key, own) in Owns(engine))
        {
            if (EngineChoice.Complaint(own) is { } complaint)
                throw TrainingChecks.Refuse(binder, $"engine.{key}", complaint);
        }
        if (engine.Device is { } device && !EngineChoice.IsDevice(device))
            throw TrainingChecks.Refuse(binder, "engine.device", $"is '{device}'; write cpu, cuda or cuda:N");
        if (!UsesTorch(engine))
            TrainingChecks.OnlyWith(engine, engine.Name, "engine", binder);
        if (recipe.Lora is { Storage: "bfloat16" } && UsesTorch(engine))
            throw TrainingChecks.Refuse(binder, "lora.storage", "bfloat16 is the managed engine's; torch has engine.dtype, remove one of the two");
    }

    /// <summary>Refuses a recipe that has a role computed here by what this machine does not have. Other nodes of a cluster are other machines.</summary>
    /// <param name="engine">The recipe's engines.</param>
    /// <param name="roles">The roles of this process, and of those that it starts on this machine: learner, rollout, scorer.</param>
    public static void CheckHere(EngineSection engine, IReadOnlyCollection<string> roles)
    {
        foreach (var role in roles)
        {
            if (EngineChoice.Of(engine, role) is { Name: "torch" } choice && TorchEngines.Complaint(choice.Device) is { } missing)
                throw new RefusedException($"engine of the {role}: {missing}");
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Owns(EngineSection engine)
    {
        if (engine.Rollout is { } rollout) yield return new("rollout", rollout);
        if (engine.Scorer is { } scorer) yield return new("scorer", scorer);
        if (engine.Learner is { } learner) yield return new("learner", learner);
    }
}
