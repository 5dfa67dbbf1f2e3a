using System.Collections.Immutable;

namespace Distributed.Node.Recipes;

/// <summary>A piece of a recipe as it was written, with the place it was written at.</summary>
/// <param name="Where">For people: <c>recipes/x.yaml:12</c>, or <c>--set a.b=c</c>.</param>
internal abstract record RecipeNode(string Where)
{
    /// <summary>A single value. <paramref name="Plain"/> is false for quoted text, which is never a number, a switch or nothing.</summary>
    internal sealed record Scalar(string Where, string Text, bool Plain) : RecipeNode(Where)
    {
        public bool IsNothing => Plain && Text is "" or "~" or "null" or "Null" or "NULL";
    }

    /// <summary>A list.</summary>
    internal sealed record Sequence(string Where, ImmutableArray<RecipeNode> Items) : RecipeNode(Where);

    /// <summary>Keys and values in the order written.</summary>
    internal sealed record Mapping(string Where, ImmutableArray<Entry> Entries) : RecipeNode(Where)
    {
        /// <summary>The same mapping with one key added or replaced.</summary>
        public Mapping With(string key, RecipeNode value)
        {
            var entry = new Entry(value.Where, key, value);
            var at = Entries.Select((e, i) => (e, i)).Where(p => p.e.Key == key).Select(p => p.i).DefaultIfEmpty(-1).First();
            return this with { Entries = at < 0 ? Entries.Add(entry) : Entries.SetItem(at, entry) };
        }
    }

    /// <summary>A key with its value; <paramref name="Where"/> is the key's place.</summary>
    internal sealed record Entry(string Where, string Key, RecipeNode Value);
}
