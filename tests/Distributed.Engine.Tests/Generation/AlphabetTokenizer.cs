using Distributed.Ports;

namespace Distributed.Engine.Tests.Generation;

/// <summary>One character per token, from '0' on: enough to write prompts and stop strings with.</summary>
internal sealed class AlphabetTokenizer(int vocabulary) : ITokenizer
{
    public int VocabularySize => vocabulary;

    public int[] Encode(string text) => [.. text.Select(character => character - '0')];

    public TokenSpan[] EncodeWithOffsets(string text) => [.. text.Select((character, i) => new TokenSpan(character - '0', i, i + 1))];

    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new char[ids.Length];
        for (var i = 0; i < ids.Length; i++)
            text[i] = (char)('0' + ids[i]);
        return new string(text);
    }

    public int? TokenId(string token) => token.Length == 1 ? token[0] - '0' : null;
}
