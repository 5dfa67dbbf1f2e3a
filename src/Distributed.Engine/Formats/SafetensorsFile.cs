using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Engine.Formats;

/// <summary>A tensor's place in a safetensors file; <paramref name="Start"/> and <paramref name="End"/> count bytes from the end of the header.</summary>
internal sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Shape, long Start, long End);

/// <summary>
/// Reads safetensors: an 8-byte header length, a JSON header, the tensors' bytes. Everything is checked before a value is read: the
/// tensors must fill the file exactly, without gaps or overlaps.
/// </summary>
internal sealed class SafetensorsFile : IDisposable
{
    /// <summary>Longest header that is accepted, as in the reference implementation.</summary>
    public const long LongestHeader = 100_000_000;
    private readonly SafeFileHandle _file;
    private readonly long _dataStart;

    private SafetensorsFile(string path, SafeFileHandle file, long dataStart, Dictionary<string, SafetensorsEntry> entries)
    {
        Path = path;
        _file = file;
        _dataStart = dataStart;
        Entries = entries;
    }

    public string Path { get; }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <exception cref="ModelFormatException">The file is missing, unreadable, truncated or malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException($"{path}: cannot be opened ({e.Message}); check the path and its permissions.", e);
        }

        try
        {
            var length = RandomAccess.GetLength(file);
            var headerLength = ReadHeaderLength(path, file, length);
            var header = new byte[headerLength];
            ReadExactly(path, file, header, 8, "the header");
            var entries = SafetensorsHeader.Parse(path, header, length - 8 - headerLength);
            return new SafetensorsFile(path, file, 8 + headerLength, entries);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor as float32; F32, F16 and BF16 are understood.</summary>
    /// <param name="entry">One of <see cref="Entries"/>.</param>
    /// <param name="to">Room for all its elements.</param>
    public unsafe void ReadFloats(SafetensorsEntry entry, float* to)
    {
        var wide = entry.Type == "F32";
        if (!wide && entry.Type is not ("F16" or "BF16"))
            throw new ModelFormatException($"{Path}: tensor '{entry.Name}' has type {entry.Type}; convert it to F32, F16 or BF16.");
        var size = wide ? 4 : 2;
        Span<byte> chunk = new byte[1 << 18];
        for (var at = entry.Start; at < entry.End;)
        {
            var count = (int)Math.Min(chunk.Length, entry.End - at);
            ReadExactly(Path, _file, chunk[..count], _dataStart + at, $"tensor '{entry.Name}'");
            var part = chunk[..count];
            if (wide)
                for (var i = 0; i < count; i += 4)
                    *to++ = BinaryPrimitives.ReadSingleLittleEndian(part[i..]);
            else if (entry.Type == "BF16")
                for (var i = 0; i < count; i += size)
                    *to++ = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(part[i..]) << 16);
            else
                for (var i = 0; i < count; i += size)
                    *to++ = (float)BinaryPrimitives.ReadHalfLittleEndian(part[i..]);
            at += count;
        }
    }

    public void Dispose() => _file.Dispose();

    private static int ReadHeaderLength(string path, SafeFileHandle file, long length)
    {
        if (length < 8)
            throw new ModelFormatException($"{path}: is {length} bytes long, too short for a safetensors file; fetch or save it again.");
        Span<byte> prefix = stackalloc byte[8];
        ReadExactly(path, file, prefix, 0, "the header length");
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > LongestHeader)
            throw new ModelFormatException($"{path}: claims a header of {headerLength} bytes, more than {LongestHeader}; this is not a safetensors file.");
        if ((long)headerLength > length - 8)
            throw new ModelFormatException($"{path}: is cut off inside its header ({length} bytes, header {headerLength}); fetch or save it again.");
        return (int)headerLength;
    }

    private static void ReadExactly(string path, SafeFileHandle file, Span<byte> to, long at, string what)
    {
        try
        {
            while (to.Length > 0)
            {
                var read = RandomAccess.Read(file, to, at);
                if (read == 0)
                    throw new ModelFormatException($"{path}: ends inside {what}; fetch or save it again.");
                to = to[read..];
                at += read;
            }
        }
        catch (IOException e)
        {
            throw new ModelFormatException($"{path}: cannot be read at {what} ({e.Message}); check the disk.", e);
        }
    }
}
