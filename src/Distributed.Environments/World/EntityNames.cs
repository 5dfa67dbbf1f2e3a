using System.Collections.Immutable;

using Distributed.Ports;

namespace Distributed.Environments.World;

/// <summary>
/// The 16 384 names. A name's number is <c>128 * first + second</c>. A fifth of the combinations is held out, the same fifth in every world,
/// so that names kept from a warm start are also kept from everything else.
/// </summary>
public static class EntityNames
{
    /// <summary>How many names there are.</summary>
    public const int Count = 128 * 128;

    private const ulong SplitSalt = 0x5F17C0DE;
    private static readonly ImmutableArray<int>[] bySplit = new ImmutableArray<int>[2];
    private static readonly ImmutableArray<int>[] byKind = new ImmutableArray<int>[8];
    private static readonly string[] texts = new string[Count];

    static EntityNames()
    {
        for (var name = 0; name < Count; name++)
            texts[name] = NameWords.First[name / 128] + " " + NameWords.Second[name % 128];
        foreach (var split in (ReadOnlySpan<Split>)[Split.Train, Split.HeldOut])
        {
            bySplit[(int)split] = [.. Enumerable.Range(0, Count).Where(name => SplitOf(name) == split)];
            for (var kind = 0; kind < 4; kind++)
                byKind[(int)split * 4 + kind] = [.. bySplit[(int)split].Where(name => (int)KindOf(name) == kind)];
        }
    }

    /// <summary>The two words.</summary>
    public static string Text(int name) => texts[name];

    /// <summary>What the name names.</summary>
    public static EntityKind KindOf(int name) => (EntityKind)(name % 128 / 32);

    /// <summary>Whether the name is held out.</summary>
    public static Split SplitOf(int name) => StableHash.Of(SplitSalt, (ulong)name) % 5 == 0 ? Split.HeldOut : Split.Train;

    /// <summary>All names of a split, ascending.</summary>
    public static ImmutableArray<int> Of(Split split) => bySplit[(int)split];

    /// <summary>All names of a split and a kind, ascending.</summary>
    public static ImmutableArray<int> Of(Split split, EntityKind kind) => byKind[(int)split * 4 + (int)kind];
}
