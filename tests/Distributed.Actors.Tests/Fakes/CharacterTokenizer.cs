using Distributed.Ports;

namespace Distributed.Actors.Tests.Fakes;

/// <summary>One token a character; ids are character codes below 128.</summary>
public sealed class CharacterTokenizer : ITokenizer
{
    public int VocabularySize => 128;

    public int[] Encode(string text) => [.. text.Select(letter => (int)letter)];

    public TokenSpan[] EncodeWithOffsets(string text) => [.. text.Select((letter, index) => new TokenSpan(letter, index, index + 1))];

    public string Decode(ReadOnlySpan<int> ids)
    {
        var letters = new char[ids.Length];
        for (var i = 0; i < letters.Length; i++) letters[i] = (char)ids[i];
        return new string(letters);
    }

    public int? TokenId(string token) => token.Length == 1 ? token[0] : null;
}
