using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Engine.Formats;

/// <summary>A tensor's place in a safetensors file; <paramref name="Start"/> and <paramref name="End"/> count bytes from the end of the header.</summary>
internal sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Shape, long Start, long End)
{
    /// <summary>Product of the dimensions.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>
/// Reads safetensors: an 8-byte header length, a JSON header, the tensors' bytes. Everything is checked before a value is read: the
/// tensors must fill the file exactly, without gaps or overlaps. Values are read through memory maps of one tensor at a time, so no copy
/// of the file is made. The length is checked again before each map; a file that another process cuts short while a map is read ends
/// the process all the same (SIGBUS), which no managed code can prevent.
/// </summary>
internal sealed class SafetensorsFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly long _dataStart;
    private readonly MemoryMappedFile _map;

    private SafetensorsFile(string path, SafeFileHandle file, long length, long dataStart, Dictionary<string, SafetensorsEntry> entries)
    {
        (Path, Length, _file, _dataStart, Entries) = (path, length, file, dataStart, entries);
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
    }

    public string Path { get; }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

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
            Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixLength];
            var headerLength = SafetensorsHeader.LengthOf(path, prefix[..ReadSome(path, file, prefix, 0)], length);
            var header = new byte[headerLength];
            if (ReadSome(path, file, header, prefix.Length) < headerLength)
                throw new ModelFormatException($"{path}: ends inside the header; fetch or save it again.");
            var entries = SafetensorsHeader.Parse(path, header, length - prefix.Length - headerLength);
            return new SafetensorsFile(path, file, length, prefix.Length + headerLength, entries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file.Dispose();
            throw new ModelFormatException($"{path}: cannot be mapped ({e.Message}); it must be an ordinary file.", e);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Maps a tensor's bytes.</summary>
    /// <exception cref="ModelFormatException">The file has become shorter, or cannot be mapped.</exception>
    public TensorView View(SafetensorsEntry entry)
    {
        try
        {
            if (RandomAccess.GetLength(_file) < _dataStart + entry.End)
                throw new ModelFormatException($"{Path}: has become shorter since it was opened and lacks tensor '{entry.Name}' now; fetch or save it again.");
            return entry.End == entry.Start ? new TensorView(null) : new TensorView(
                _map.CreateViewAccessor(_dataStart + entry.Start, entry.End - entry.Start, MemoryMappedFileAccess.Read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException($"{Path}: tensor '{entry.Name}' cannot be mapped ({e.Message}); check the disk and the memory.", e);
        }
    }

    /// <summary>The type of a tensor's values.</summary>
    /// <exception cref="ModelFormatException">It is none the engine computes with.</exception>
    public WeightType TypeOf(SafetensorsEntry entry) => WeightTypes.Find(entry.Type) ??
        throw new ModelFormatException($"{Path}: tensor '{entry.Name}' has type {entry.Type}; convert it to F32, F16 or BF16.");

    /// <summary>Reads a tensor as float32; F32, F16 and BF16 are understood.</summary>
    /// <param name="entry">One of <see cref="Entries"/>.</param>
    /// <param name="to">Room for all its elements.</param>
    /// <exception cref="ModelFormatException">Another type, or a value that is not finite.</exception>
    public unsafe void ReadFloats(SafetensorsEntry entry, float* to)
    {
        var type = TypeOf(entry);
        using var view = View(entry);
        WeightTypes.ToFloats(view.Pointer, type, to, entry.ElementCount);
        if (WeightTypes.FirstNotFinite(to, entry.ElementCount) is var bad and >= 0)
            throw NotFinite(entry, bad);
    }

    /// <summary>The refusal of a value that is infinite or not a number.</summary>
    public ModelFormatException NotFinite(SafetensorsEntry entry, long element) =>
        new($"{Path}: tensor '{entry.Name}' holds a value that is not finite (element {element}); use another checkpoint.");

    public void Dispose()
    {
        _map.Dispose();
        _file.Dispose();
    }

    private static int ReadSome(string path, SafeFileHandle file, Span<byte> to, long at)
    {
        try
        {
            var done = 0;
            while (done < to.Length && RandomAccess.Read(file, to[done..], at + done) is var read and > 0)
                done += read;
            return done;
        }
        catch (IOException e)
        {
            throw new ModelFormatException($"{path}: cannot be read at byte {at} ({e.Message}); check the disk.", e);
        }
    }
}
