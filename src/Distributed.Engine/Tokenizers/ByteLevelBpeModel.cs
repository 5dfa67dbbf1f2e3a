using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using Distributed.Ports;

namespace Distributed.Engine.Tokenizers;

/// <summary>Byte-level byte-pair encoding: pieces, their UTF-8 bytes, merges. Results of short pieces are kept, up to a bound.</summary>
internal sealed class ByteLevelBpeModel(Vocabulary vocabulary, MergeTable merges, PieceCutter[] cutters, int[] byteIds, bool ignoresMerges) : TokenModel
{
    private const int LongestKept = 48;
    private const int MostKept = 1 << 16;

    private readonly ConcurrentDictionary<string, int[]> _kept = new(StringComparer.Ordinal);
    private int _keptCount;

    public override void Encode(ReadOnlySpan<char> text, List<int> ids) => Encode(text, 0, ids);

    public override void EncodeWithOffsets(ReadOnlySpan<char> text, List<TokenSpan> spans) => EncodeWithOffsets(text, 0, 0, spans);

    public override string Decode(ReadOnlySpan<int> ids)
    {
        var bytes = new ArrayBufferWriter<byte>(ids.Length * 4 + 16);
        foreach (var id in ids)
        {
            if (vocabulary.Token(id) is { } token)
            {
                AppendBytes(token, bytes);
            }
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>The bytes a token stands for; a token with any character outside the byte alphabet stands for its own UTF-8.</summary>
    private static void AppendBytes(string token, ArrayBufferWriter<byte> into)
    {
        var target = into.GetSpan(Encoding.UTF8.GetMaxByteCount(token.Length));
        for (var i = 0; i < token.Length; i++)
        {
            var value = ByteCharacters.ByteOf(token[i]);
            if (value < 0)
            {
                into.Advance(Encoding.UTF8.GetBytes(token, target));
                return;
            }

            target[i] = (byte)value;
        }

        into.Advance(token.Length);
    }

    // Each cutter cuts the pieces of the one before it.
    private void Encode(ReadOnlySpan<char> text, int step, List<int> ids)
    {
        while (text.Length > 0)
        {
            var length = step < cutters.Length ? cutters[step].Next(text) : text.Length;
            if (step + 1 < cutters.Length)
                Encode(text[..length], step + 1, ids);
            else
                ids.AddRange(EncodePiece(text[..length]).AsSpan());
            text = text[length..];
        }
    }

    private void EncodeWithOffsets(ReadOnlySpan<char> text, int offset, int step, List<TokenSpan> spans)
    {
        while (text.Length > 0)
        {
            var length = step < cutters.Length ? cutters[step].Next(text) : text.Length;
            var piece = text[..length];
            if (step + 1 < cutters.Length)
                EncodeWithOffsets(piece, offset, step + 1, spans);
            else
                AddSpans(piece, offset, EncodePiece(piece), spans);
            text = text[length..];
            offset += length;
        }
    }

    private int[] EncodePiece(ReadOnlySpan<char> piece)
    {
        if (piece.Length > LongestKept)
        {
            return Merge(piece);
        }

        var kept = _kept.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!kept.TryGetValue(piece, out var ids))
        {
            ids = Merge(piece);
            if (Volatile.Read(ref _keptCount) < MostKept && kept.TryAdd(piece, ids))
            {
                Interlocked.Increment(ref _keptCount);
            }
        }

        return ids;
    }

    private int[] Merge(ReadOnlySpan<char> piece)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(piece.Length));
        try
        {
            var bytes = rented.AsSpan(0, Encoding.UTF8.GetBytes(piece, rented));
            if (ignoresMerges && WholePiece(bytes) is { } whole)
            {
                return [whole];
            }

            var symbols = new int[bytes.Length];
            for (var i = 0; i < bytes.Length; i++)
            {
                symbols[i] = byteIds[bytes[i]];
            }

            return symbols[..BytePairMerger.Merge(symbols, merges)];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private int? WholePiece(ReadOnlySpan<byte> bytes)
    {
        Span<char> characters = bytes.Length <= 256 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            characters[i] = ByteCharacters.Of(bytes[i]);
        }

        return vocabulary.Spans.TryGetValue(characters, out var id) ? id : null;
    }

    /// <summary>Ranges of a piece's tokens: a token that covers part of a character carries the whole character's range.</summary>
    private void AddSpans(ReadOnlySpan<char> piece, int offset, int[] ids, List<TokenSpan> spans)
    {
        // The character under the cursor, in characters and in bytes.
        int charStart = 0, charEnd = 0, byteStart = 0, byteEnd = 0;
        var position = 0;
        foreach (var id in ids)
        {
            AdvanceTo(piece, position);
            var start = charStart;
            position += vocabulary.Token(id)!.Length;
            AdvanceTo(piece, position - 1);
            spans.Add(new TokenSpan(id, offset + start, offset + charEnd));
        }

        void AdvanceTo(ReadOnlySpan<char> text, int byteIndex)
        {
            while (byteEnd <= byteIndex)
            {
                Rune.DecodeFromUtf16(text[charEnd..], out var rune, out var taken);
                (charStart, charEnd) = (charEnd, charEnd + taken);
                (byteStart, byteEnd) = (byteEnd, byteEnd + rune.Utf8SequenceLength);
            }
        }
    }
}
