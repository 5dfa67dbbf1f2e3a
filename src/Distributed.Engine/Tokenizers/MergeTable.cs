using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Distributed.Engine.Tokenizers;

/// <summary>Which pairs of tokens merge into which, and how early. A hash table with open addressing over the pair's two ids.</summary>
internal sealed class MergeTable
{
    /// <summary>Rank of a pair that does not merge.</summary>
    public const int None = int.MaxValue;

    private const ulong Empty = ulong.MaxValue;

    private readonly ulong[] _pairs;
    private readonly (int Rank, int Id)[] _results;
    private readonly int _shift;

    private MergeTable(int count)
    {
        var bits = Math.Max(4, 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)count * 2));
        _shift = 64 - bits;
        _pairs = new ulong[1 << bits];
        _results = new (int, int)[1 << bits];
        Array.Fill(_pairs, Empty);
    }

    /// <summary>Reads model.merges: ["a", "b"] pairs or "a b" strings, in order of rank.</summary>
    public static MergeTable Read(JsonPlace merges, Vocabulary vocabulary)
    {
        if (merges.Value.ValueKind != JsonValueKind.Array)
        {
            throw merges.Refuse("expected a list of pairs");
        }

        var table = new MergeTable(merges.Value.GetArrayLength());
        var rank = 0;
        foreach (var merge in merges.Items())
        {
            if (ReadPair(merge) is not var (left, right))
            {
                continue;
            }

            var leftId = vocabulary.Id(left) ?? throw merge.Refuse($"\"{left}\" is not in model.vocab; add it or remove the merge");
            var rightId = vocabulary.Id(right) ?? throw merge.Refuse($"\"{right}\" is not in model.vocab; add it or remove the merge");
            var id = vocabulary.Id(left + right) ?? throw merge.Refuse($"its result \"{left}{right}\" is not in model.vocab; add it or remove the merge");
            table.Set(leftId, rightId, rank++, id);
        }

        return table;
    }

    /// <summary>Rank and resulting id of a pair; rank <see cref="None"/> if it does not merge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (int Rank, int Id) Find(int left, int right)
    {
        var pair = ((ulong)(uint)left << 32) | (uint)right;
        for (var slot = Slot(pair); ; slot = (slot + 1) & (_pairs.Length - 1))
        {
            if (_pairs[slot] == pair)
            {
                return _results[slot];
            }

            if (_pairs[slot] == Empty)
            {
                return (None, -1);
            }
        }
    }

    private void Set(int left, int right, int rank, int id)
    {
        var pair = ((ulong)(uint)left << 32) | (uint)right;
        var slot = Slot(pair);
        while (_pairs[slot] != Empty && _pairs[slot] != pair)
        {
            slot = (slot + 1) & (_pairs.Length - 1);
        }

        (_pairs[slot], _results[slot]) = (pair, (rank, id));
    }

    private int Slot(ulong pair) => (int)((pair * 0x9E3779B97F4A7C15) >> _shift);

    private static (string Left, string Right)? ReadPair(JsonPlace merge)
    {
        if (merge.Value.ValueKind == JsonValueKind.Array)
        {
            return merge.Value.GetArrayLength() == 2
                ? (new JsonPlace(merge.File, $"{merge.Place}[0]", merge.Value[0]).Text(), new JsonPlace(merge.File, $"{merge.Place}[1]", merge.Value[1]).Text())
                : throw merge.Refuse("expected two parts");
        }

        var text = merge.Text();
        if (text.StartsWith("#version", StringComparison.Ordinal))
        {
            return null;
        }

        var space = text.IndexOf(' ');
        return space > 0 && space < text.Length - 1 && text.LastIndexOf(' ') == space
            ? (text[..space], text[(space + 1)..])
            : throw merge.Refuse("expected two parts with one space between");
    }
}
