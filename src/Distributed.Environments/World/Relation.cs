using System.Collections.Immutable;

namespace Distributed.Environments.World;

/// <summary>What a name names; told by its second word.</summary>
public enum EntityKind
{
    /// <summary>Mirel Solberg.</summary>
    Person,

    /// <summary>Mirel Harbour.</summary>
    Place,

    /// <summary>Mirel Guild.</summary>
    Organisation,

    /// <summary>Mirel Sonata.</summary>
    Work,
}

/// <summary>A typed relation: every entity has every relation, to one value of the relation's kind.</summary>
/// <param name="Word">How it is written.</param>
/// <param name="OtherWord">Its second wording, where a world uses two.</param>
/// <param name="Values">The kind of its values.</param>
public sealed record Relation(string Word, string OtherWord, EntityKind Values)
{
    /// <summary>The 16 relations; their index is their number.</summary>
    public static ImmutableArray<Relation> All { get; } =
    [
        new("keeper", "warden", EntityKind.Person),
        new("patron", "benefactor", EntityKind.Person),
        new("founder", "creator", EntityKind.Person),
        new("critic", "reviewer", EntityKind.Person),
        new("origin", "birthplace", EntityKind.Place),
        new("seat", "residence", EntityKind.Place),
        new("archive", "repository", EntityKind.Place),
        new("refuge", "shelter", EntityKind.Place),
        new("owner", "holder", EntityKind.Organisation),
        new("sponsor", "backer", EntityKind.Organisation),
        new("publisher", "printer", EntityKind.Organisation),
        new("partner", "ally", EntityKind.Organisation),
        new("emblem", "symbol", EntityKind.Work),
        new("anthem", "hymn", EntityKind.Work),
        new("chronicle", "annals", EntityKind.Work),
        new("portrait", "likeness", EntityKind.Work),
    ];

    /// <summary>A wording: 0 is <see cref="Word"/>, 1 is <see cref="OtherWord"/>.</summary>
    public string Wording(int which) => which == 0 ? Word : OtherWord;
}
