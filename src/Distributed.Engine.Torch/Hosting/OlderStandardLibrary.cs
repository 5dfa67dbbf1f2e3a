using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>
/// Loads TorchSharp's native part where the C++ standard library is that of GCC 12 (Debian 12, Ubuntu 22.04). It is compiled by GCC 13, whose iostream header names a
/// start-up function of GCC 13's libstdc++ in every object, without calling it. The loader refuses the file for that name's version alone. A copy that
/// declares this one version as optional, as the ELF format allows, is loaded instead; nothing else is changed, and it is not done where anything else of that version is used.
/// </summary>
internal static class OlderStandardLibrary
{
    private const string Version = "GLIBCXX_3.4.32";
    private const string Unused = "_ZSt21ios_base_library_initv";
    private const ushort Weak = 2;

    /// <summary>Loads a library as it is, or else the copy.</summary>
    /// <param name="path">The library.</param>
    /// <exception cref="DllNotFoundException">It cannot be loaded either way.</exception>
    public static nint LoadWithout(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (DllNotFoundException error) when (OperatingSystem.IsLinux() && error.Message.Contains($"`{Version}' not found", StringComparison.Ordinal))
        {
            var bytes = File.ReadAllBytes(path);
            if (!MakeOptional(bytes))
                throw;

            // Once it is loaded its file is no longer needed.
            var folder = Directory.CreateTempSubdirectory("distributed-torch-");
            try
            {
                var copy = Path.Combine(folder.FullName, Path.GetFileName(path));
                File.WriteAllBytes(copy, bytes);
                return NativeLibrary.Load(copy);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
    }

    /// <summary>Marks the version as optional in a 64-bit little-endian ELF file; false, and nothing is changed, if the file is of another kind or uses more of that version.</summary>
    internal static bool MakeOptional(Span<byte> file)
    {
        try
        {
            // Section headers: 64 bytes each, sh_type at 4, sh_offset at 24, sh_size at 32, sh_link at 40.
            if (!file.StartsWith((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
                return false;
            var (headers, count) = ((int)Read64(file, 40), Read16(file, 60));
            int needed = -1, symbols = -1, versions = -1;
            for (var i = 0; i < count; i++)
            {
                switch (Read32(file, headers + (64 * i) + 4))
                {
                    case 11: symbols = headers + (64 * i); break;
                    case 0x6FFFFFFE: needed = headers + (64 * i); break;
                    case 0x6FFFFFFF: versions = headers + (64 * i); break;
                }
            }

            if (needed < 0 || symbols < 0 || versions < 0)
                return false;
            var names = (int)Read64(file, headers + (64 * (int)Read32(file, symbols + 40)) + 24);
            var entry = Entry(file, (int)Read64(file, needed + 24), names);
            if (entry < 0)
                return false;

            // Entries of a version: vna_flags at 4, vna_other (the number symbols refer to it by) at 6.
            var number = Read16(file, entry + 6);
            var (table, numbers) = ((int)Read64(file, symbols + 24), (int)Read64(file, versions + 24));
            for (var i = 0; i < (int)Read64(file, symbols + 32) / 24; i++)
            {
                if ((Read16(file, numbers + (2 * i)) & 0x7FFF) == number && !Is(file, names + (int)Read32(file, table + (24 * i)), Unused))
                    return false;
            }

            BinaryPrimitives.WriteUInt16LittleEndian(file[(entry + 4)..], Weak);
            return true;
        }
        catch (ArgumentOutOfRangeException)
        {
            return false; // offsets that lead out of the file
        }
    }

    // Libraries needed: vn_cnt at 2, vn_aux at 8, vn_next at 12. Their versions: vna_name at 8, vna_next at 12.
    private static int Entry(ReadOnlySpan<byte> file, int library, int names)
    {
        for (uint next = 1; next != 0; library += (int)next)
        {
            var version = library + (int)Read32(file, library + 8);
            for (int i = 0, count = Read16(file, library + 2); i < count; i++, version += (int)Read32(file, version + 12))
            {
                if (Is(file, names + (int)Read32(file, version + 8), Version))
                    return version;
            }

            next = Read32(file, library + 12);
        }

        return -1;
    }

    private static bool Is(ReadOnlySpan<byte> file, int at, string name) => file[at..].StartsWith(Encoding.ASCII.GetBytes(name + "\0"));

    private static ushort Read16(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt16LittleEndian(file[at..]);

    private static uint Read32(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt32LittleEndian(file[at..]);

    private static ulong Read64(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt64LittleEndian(file[at..]);
}
