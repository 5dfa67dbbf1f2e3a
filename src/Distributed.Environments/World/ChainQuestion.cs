using System.Collections.Immutable;

using Distributed.Ports;

namespace Distributed.Environments.World;

/// <summary>A question: from an entity, follow relations in their order; the last entity is the answer.</summary>
/// <param name="Entity">Where the chain starts.</param>
/// <param name="Relations">What to follow; all different.</param>
/// <param name="Wordings">The question's wording of each relation, 0 or 1.</param>
/// <param name="Answer">Where the chain ends; no entity occurs twice on the way.</param>
/// <param name="Shape">Chooses the shape of the sentence, if sentences vary.</param>
public sealed record ChainQuestion(int Entity, ImmutableArray<int> Relations, ImmutableArray<int> Wordings, int Answer, ulong Shape);

/// <summary>Draws questions about a world; the same index always gives the same one.</summary>
/// <param name="world">Where the facts are.</param>
/// <param name="seed">Seed of the questions.</param>
/// <param name="wordings">Wordings of a relation, 1 or 2.</param>
public sealed class QuestionSource(SearchWorld world, ulong seed, int wordings)
{
    private const ulong QuestionPurpose = 4;

    /// <summary>A question.</summary>
    /// <param name="split">Whose names it is about.</param>
    /// <param name="index">Which; any number from 0.</param>
    /// <param name="mix">Shares of the questions with 1, 2, .. relations.</param>
    public ChainQuestion Get(Split split, long index, IReadOnlyList<double> mix)
    {
        var chance = new HashStream(StableHash.Of(seed, QuestionPurpose, (ulong)split, (ulong)index));
        var names = EntityNames.Of(split);
        var length = 1 + Draw(mix, chance.Unit());
        var relations = new int[length];
        var path = new int[length + 1];
        do
        {
            DrawDistinct(relations, Relation.All.Length, ref chance);
            path[0] = names[chance.Below(names.Length)];
            for (var i = 0; i < length; i++)
                path[i + 1] = world.Fact(path[i], relations[i]);
        }
        while (HoldsTwice(path));

        var worded = new int[length];
        for (var i = 0; i < length; i++)
            worded[i] = chance.Below(wordings);
        return new ChainQuestion(path[0], [.. relations], [.. worded], path[^1], chance.Next());
    }

    private static int Draw(IReadOnlyList<double> mix, double unit)
    {
        var left = unit * mix.Sum();
        var last = 0;
        for (var i = 0; i < mix.Count; i++)
        {
            if (mix[i] <= 0)
                continue;
            last = i;
            if (left < mix[i])
                return i;
            left -= mix[i];
        }

        return last;
    }

    private static void DrawDistinct(Span<int> values, int bound, ref HashStream chance)
    {
        for (var i = 0; i < values.Length; i++)
        {
            do values[i] = chance.Below(bound);
            while (values[..i].Contains(values[i]));
        }
    }

    private static bool HoldsTwice(ReadOnlySpan<int> path)
    {
        for (var i = 1; i < path.Length; i++)
        {
            if (path[..i].Contains(path[i]))
                return true;
        }

        return false;
    }
}
