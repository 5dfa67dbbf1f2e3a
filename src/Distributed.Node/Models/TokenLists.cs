using System.Text.Json;

namespace Distributed.Node.Models;

/// <summary>Token ids out of JSON: one list, a list of lists, or an object whose input_ids is one of these.</summary>
internal static class TokenLists
{
    /// <summary>Reads them.</summary>
    /// <param name="source">A file, <c>-</c>, or the JSON itself.</param>
    /// <param name="vocabulary">How many ids the model has.</param>
    /// <exception cref="RefusedException">Something else stands there, or an id is not one of the model's.</exception>
    public static IReadOnlyList<int[]> Read(string source, int vocabulary)
    {
        using var document = JsonInput.Read(source);
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Object)
            root = root.TryGetProperty("input_ids", out var ids) ? ids : throw new RefusedException($"{Name(source)}: an object without input_ids; give a list of token ids, or a list of such lists");
        if (root.ValueKind != JsonValueKind.Array)
            throw new RefusedException($"{Name(source)}: expected a list of token ids, or a list of such lists");
        var several = root.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Array);
        var lists = several ? root.EnumerateArray().Select((item, i) => ReadOne(item, $"{Name(source)}: list {i}", vocabulary)).ToArray() : [ReadOne(root, Name(source), vocabulary)];
        return lists.Length > 0 && lists.All(list => list.Length > 0) ? lists : throw new RefusedException($"{Name(source)}: an empty list; give at least one token id");
    }

    private static int[] ReadOne(JsonElement list, string place, int vocabulary)
    {
        if (list.ValueKind != JsonValueKind.Array)
            throw new RefusedException($"{place}: expected a list of token ids");
        return [.. list.EnumerateArray().Select((item, i) =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0 && id < vocabulary
                ? id
                : throw new RefusedException($"{place}: item {i} is {Short(item)}; the model's token ids go from 0 to {vocabulary - 1}"))];
    }

    private static string Name(string source) => source.TrimStart() is ['[' or '{', ..] ? "the JSON given" : source;

    private static string Short(JsonElement item) => item.GetRawText() is { Length: > 30 } text ? text[..30] + "..." : item.GetRawText();
}
