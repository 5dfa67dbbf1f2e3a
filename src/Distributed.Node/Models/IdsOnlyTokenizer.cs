using Distributed.Ports;

namespace Distributed.Node.Models;

/// <summary>Stands in where a folder has no tokenizer.json: token ids go in and out, text does not.</summary>
internal sealed class IdsOnlyTokenizer : ITokenizer
{
    public int VocabularySize => 0;

    public int[] Encode(string text) => throw Missing();

    public TokenSpan[] EncodeWithOffsets(string text) => throw Missing();

    public string Decode(ReadOnlySpan<int> ids) => "";

    public int? TokenId(string token) => null;

    private static RefusedException Missing() => new("the folder has no tokenizer.json; give token ids");
}
