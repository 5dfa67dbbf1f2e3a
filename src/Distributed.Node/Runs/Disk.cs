using System.Runtime.InteropServices;

namespace Distributed.Node.Runs;

/// <summary>What can go wrong with files, as one line.</summary>
internal static class Disk
{
    private const int NoSpaceLeft = 28;
    private const int QuotaExceeded = 122;

    /// <summary>
    /// A variable that names a file: while that file is there, everything that is written fails as on a full disk. For `distributed chaos`.
    /// </summary>
    public const string FullMarkerVariable = "DISTRIBUTED_CHAOS_DISK_FULL";

    private static readonly string? FullMarker = Environment.GetEnvironmentVariable(FullMarkerVariable);

    /// <summary>Fails as a full disk does, if chaos wants it so.</summary>
    /// <exception cref="IOException">It does.</exception>
    public static void FailIfFull()
    {
        if (FullMarker is not null && File.Exists(FullMarker)) throw new IOException("No space left on device", NoSpaceLeft);
    }

    /// <summary>Runs file work; a full disk, a folder that may not be written and the like become one line that names the path and the mend.</summary>
    public static T Guard<T>(string path, Func<T> work, string doing = "written")
    {
        try
        {
            if (doing == "written") FailIfFull();
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new RefusedException(Explain(path, e, doing), e);
        }
    }

    /// <inheritdoc cref="Guard{T}"/>
    public static void Guard(string path, Action work, string doing = "written") => Guard(path, () => { work(); return 0; }, doing);

    /// <summary>One line for a failure at a path.</summary>
    public static string Explain(string path, Exception e, string doing = "written") => e switch
    {
        FileNotFoundException or DirectoryNotFoundException when doing == "read" => $"{path}: there is no such file; check the path",
        UnauthorizedAccessException => $"{path}: may not be {doing}; change its permissions, or choose another folder with --out",
        _ when (e.HResult & 0xFFFF) is NoSpaceLeft or QuotaExceeded or 112 or 39 => $"{path}: the disk is full; free some space, then go on with --resume",
        _ => $"{path}: cannot be {doing} ({e.Message.TrimEnd('.')})",
    };

    /// <summary>Makes a file's bytes durable.</summary>
    public static void FlushFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Makes the names in a folder durable: after a power cut a renamed file is there under its new name.</summary>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals names itself, and folders cannot be opened for this
        }
        var folder = Open(path, 0);
        if (folder < 0)
        {
            throw new IOException($"cannot open the folder (error {Marshal.GetLastPInvokeError()})");
        }
        var result = FSync(folder);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(folder);
        if (result != 0)
        {
            throw new IOException($"cannot flush the folder (error {error})", error);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int FSync(int file);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int file);
}
