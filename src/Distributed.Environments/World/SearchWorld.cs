using Distributed.Environments.Search;
using Distributed.Ports;

namespace Distributed.Environments.World;

/// <summary>
/// A generated world of facts: every entity has all 16 relations, each to another entity of the same split. Nothing is stored; every fact
/// is a hash of the seed, the entity and the relation.
/// </summary>
/// <param name="seed">The world's seed.</param>
/// <param name="factsPerPassage">Facts of one passage: 2, 4, 8 or 16.</param>
/// <param name="wordings">1 if every relation has one word, 2 if passages use either of two.</param>
/// <param name="sameKind">Whether the facts of a passage have values of one kind, where they fit, so that a value's kind does not tell its relation.</param>
public sealed class SearchWorld(ulong seed, int factsPerPassage = 2, int wordings = 1, bool sameKind = false)
{
    private const ulong FactPurpose = 1, PassagePurpose = 2, WordingPurpose = 3;

    /// <summary>Passages about one entity.</summary>
    public int PassagesPerEntity { get; } = Relation.All.Length % factsPerPassage == 0
        ? Relation.All.Length / factsPerPassage
        : throw new ArgumentOutOfRangeException(nameof(factsPerPassage), factsPerPassage, "must divide 16");

    /// <summary>The value of a relation: a name of the relation's kind, of the entity's split, and not the entity itself.</summary>
    public int Fact(int entity, int relation)
    {
        var names = EntityNames.Of(EntityNames.SplitOf(entity), Relation.All[relation].Values);
        var chance = new HashStream(StableHash.Of(seed, FactPurpose, (ulong)entity, (ulong)relation));
        int value;
        do value = names[chance.Below(names.Length)];
        while (value == entity);
        return value;
    }

    /// <summary>Which of a relation's wordings the passage about this fact uses.</summary>
    public int WordingOf(int entity, int relation) =>
        wordings == 1 ? 0 : StableHash.Below(StableHash.Of(seed, WordingPurpose, (ulong)entity, (ulong)relation), wordings);

    /// <summary>The values that stand in the passage with a fact, that fact's own included, in the passage's order.</summary>
    public IEnumerable<int> ValuesBeside(int entity, int relation)
    {
        var order = RelationOrder(entity);
        var start = Array.IndexOf(order, relation) / factsPerPassage * factsPerPassage;
        return order.Skip(start).Take(factsPerPassage).Select(beside => Fact(entity, beside));
    }

    /// <summary>The passages about an entity: its relations, shuffled, <c>factsPerPassage</c> at a time.</summary>
    public IEnumerable<Passage> PassagesOf(int entity)
    {
        var order = RelationOrder(entity);
        for (var start = 0; start < order.Length; start += factsPerPassage)
        {
            var facts = new string[factsPerPassage];
            for (var i = 0; i < factsPerPassage; i++)
            {
                var relation = order[start + i];
                facts[i] = Relation.All[relation].Wording(WordingOf(entity, relation)) + " " + EntityNames.Text(Fact(entity, relation));
            }

            yield return new Passage(EntityNames.Text(entity), string.Join(' ', facts));
        }
    }

    /// <summary>All passages of a split, in a fixed order.</summary>
    public IEnumerable<Passage> Passages(Split split) => EntityNames.Of(split).SelectMany(PassagesOf);

    private int[] RelationOrder(int entity)
    {
        var order = Enumerable.Range(0, Relation.All.Length).ToArray();
        var chance = new HashStream(StableHash.Of(seed, PassagePurpose, (ulong)entity));
        for (var i = order.Length - 1; i > 0; i--)
        {
            var j = chance.Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        // A stable sort keeps the shuffled order within a kind.
        return sameKind ? [.. order.OrderBy(relation => Relation.All[relation].Values)] : order;
    }
}
