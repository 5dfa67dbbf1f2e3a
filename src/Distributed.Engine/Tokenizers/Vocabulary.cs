using System.Globalization;

namespace Distributed.Engine.Tokenizers;

/// <summary>Token strings and ids of a model, both ways.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly string?[] _tokens;

    private Vocabulary(Dictionary<string, int> ids, string?[] tokens)
    {
        _ids = ids;
        _tokens = tokens;
        Spans = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Ids by token, without making a string of it.</summary>
    public Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Spans { get; }

    /// <summary>Highest id + 1: what an embedding has to hold.</summary>
    public int Size => _tokens.Length;

    public int? Id(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>The token of an id, or null if the id is unknown.</summary>
    public string? Token(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>Reads model.vocab and joins the added tokens to it.</summary>
    public static Vocabulary Read(JsonPlace vocab, IReadOnlyList<AddedToken> added)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var highest = -1;
        foreach (var member in vocab.Object().EnumerateObject())
        {
            var entry = new JsonPlace(vocab.File, $"{vocab.Place}[\"{Shorten(member.Name)}\"]", member.Value);
            var id = entry.Id();
            highest = Math.Max(highest, id);
            if (!ids.TryAdd(member.Name, id))
            {
                throw entry.Refuse("the token is listed twice; keep one");
            }
        }

        if (ids.Count == 0)
        {
            throw vocab.Refuse("no tokens; a vocabulary needs at least one");
        }

        foreach (var token in added)
        {
            if (!ids.TryAdd(token.Content, token.Id) && ids[token.Content] != token.Id)
            {
                throw vocab.Refuse(string.Create(CultureInfo.InvariantCulture,
                    $"\"{Shorten(token.Content)}\" has id {ids[token.Content]} here and {token.Id} in added_tokens; make them equal"));
            }

            highest = Math.Max(highest, token.Id);
        }

        var tokens = new string?[highest + 1];
        foreach (var (token, id) in ids)
        {
            if (tokens[id] is { } other)
            {
                throw vocab.Refuse(string.Create(CultureInfo.InvariantCulture,
                    $"\"{Shorten(token)}\" and \"{Shorten(other)}\" both have id {id}; give each its own"));
            }

            tokens[id] = token;
        }

        return new Vocabulary(ids, tokens);
    }

    private static string Shorten(string token)
    {
        token = token.ReplaceLineEndings(" ");
        return token.Length <= 40 ? token : token[..40] + "...";
    }
}
