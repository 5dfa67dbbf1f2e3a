using System.Runtime.InteropServices;

namespace Distributed.Engine.Kernels;

/// <summary>
/// Memory that Linux may back with pages of 2 MiB where it is asked to (transparent huge pages in mode <c>madvise</c>): matrices that span many
/// small pages spend their time on address translation. A wish only; without it everything works the same.
/// </summary>
internal static unsafe partial class LargePages
{
    private const nuint PageBytes = 2 << 20;
    private const int Wanted = 14;
    private static bool s_unknown = !OperatingSystem.IsLinux();

    /// <summary>Memory for <see cref="NativeMemory.AlignedFree"/>, rounded up to whole pages; null for less than one page or where there are none.</summary>
    public static void* TryAllocate(nuint bytes)
    {
        if (bytes < PageBytes || s_unknown)
            return null;
        var whole = (bytes + PageBytes - 1) / PageBytes * PageBytes;
        var memory = NativeMemory.AlignedAlloc(whole, PageBytes);
        try
        {
            _ = Advise(memory, whole, Wanted);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            s_unknown = true;
        }

        return memory;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
