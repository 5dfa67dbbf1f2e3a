using Distributed.Ports;

namespace Distributed.Node.Tests.Evaluation;

/// <summary>One token per character.</summary>
internal sealed class CharacterTokenizer : ITokenizer
{
    public int VocabularySize => 65_536;

    public int[] Encode(string text) => [.. text.Select(c => (int)c)];

    public TokenSpan[] EncodeWithOffsets(string text) => [.. text.Select((c, i) => new TokenSpan(c, i, i + 1))];

    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new char[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            text[i] = (char)ids[i];
        }
        return new(text);
    }

    public int? TokenId(string token) => token.Length == 1 ? token[0] : null;
}
