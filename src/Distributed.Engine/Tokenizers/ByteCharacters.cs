namespace Distributed.Engine.Tokenizers;

/// <summary>
/// The byte alphabet of byte-level tokenizers: every byte has a printable character; printable Latin-1 bytes are themselves,
/// the others follow from U+0100 on (Radford et al. 2019, GPT-2).
/// </summary>
internal static class ByteCharacters
{
    private static readonly char[] Characters = Build();
    private static readonly short[] Bytes = Invert();

    public static char Of(byte value) => Characters[value];

    /// <summary>The byte of a character, or -1 if the character stands for none.</summary>
    public static int ByteOf(char character) => character < Bytes.Length ? Bytes[character] : -1;

    private static char[] Build()
    {
        var characters = new char[256];
        var next = '\u0100';
        for (var value = 0; value < 256; value++)
        {
            var isItself = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            characters[value] = isItself ? (char)value : next++;
        }

        return characters;
    }

    private static short[] Invert()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var value = 0; value < 256; value++)
        {
            bytes[Characters[value]] = (short)value;
        }

        return bytes;
    }
}
