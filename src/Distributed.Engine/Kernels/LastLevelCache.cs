using System.Globalization;

namespace Distributed.Engine.Kernels;

/// <summary>The largest of the first processor's caches, as Linux tells it.</summary>
internal static class LastLevelCache
{
    private const long Assumed = 32L << 20;
    private const string Folder = "/sys/devices/system/cpu/cpu0/cache";

    /// <summary>Its size in bytes; 32 MiB where nothing tells. Other cores and, on a shared machine, other tenants use it too.</summary>
    public static long Bytes { get; } = Read();

    private static long Read()
    {
        try
        {
            var sizes = Directory.EnumerateFiles(Folder, "size", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 });
            return sizes.Select(file => Parse(File.ReadAllText(file))).DefaultIfEmpty(Assumed).Max();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Assumed;
        }
    }

    /// <summary>Bytes of "512K" or "32M"; <see cref="Assumed"/> of anything else.</summary>
    internal static long Parse(string size)
    {
        var text = size.AsSpan().Trim();
        var shift = text is [.., 'K'] ? 10 : text is [.., 'M'] ? 20 : 0;
        return long.TryParse(shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and < 1L << 40 ? count << shift : Assumed;
    }
}
