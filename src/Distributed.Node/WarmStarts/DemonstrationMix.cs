using Distributed.Node.Recipes;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Node.WarmStarts;

/// <summary>The demonstrations of a stage, batch by batch. Which ones depends on the recipe's seed, the stage and the step, never on time.</summary>
internal sealed class DemonstrationMix
{
    private const int StageBits = 40;

    private readonly IDemonstrator demonstrator;
    private readonly StageSection stage;
    private readonly ulong seed;
    private readonly int number;
    private readonly (string Kind, double UpTo)[] kinds;

    /// <exception cref="RefusedException">The environment has no such kind of demonstrations.</exception>
    public DemonstrationMix(IDemonstrator demonstrator, StageSection stage, ulong seed, int number)
    {
        if (stage.Mix.Keys.FirstOrDefault(kind => !demonstrator.Kinds.Contains(kind)) is { } unknown)
        {
            throw new RefusedException($"stages[{number}].mix: there are no demonstrations of kind '{unknown}'; the environment has {string.Join(", ", demonstrator.Kinds)}");
        }
        this.demonstrator = demonstrator;
        this.stage = stage;
        this.seed = seed;
        this.number = number;
        var sum = 0.0;
        kinds = [.. stage.Mix.OrderBy(share => share.Key, StringComparer.Ordinal).Select(share => (share.Key, sum += share.Value))];
    }

    /// <summary>The demonstrations of a step, from 0.</summary>
    public IEnumerable<Demonstration> Batch(int step)
    {
        for (var i = 0; i < stage.BatchSize; i++)
        {
            var place = (long)step * stage.BatchSize + i;
            var chance = (Seeds.Derive(seed, "demonstration", number, place) >> 11) * (1.0 / (1UL << 53));
            var kind = Array.Find(kinds, entry => chance < entry.UpTo).Kind ?? kinds[^1].Kind;
            yield return demonstrator.GetDemonstration(kind, ((long)number << StageBits) + place);
        }
    }
}
