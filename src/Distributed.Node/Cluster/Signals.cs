using System.Runtime.InteropServices;

namespace Distributed.Node.Cluster;

/// <summary>Signals to a process this one started; nothing where there are none.</summary>
internal static class Signals
{
    private const int Terminate = 15;
    private static readonly int Stop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int Continue = OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>Asks a process to end.</summary>
    public static void Ask(int process) => Send(process, Terminate);

    /// <summary>Freezes a process.</summary>
    public static void Freeze(int process) => Send(process, Stop);

    /// <summary>Lets a frozen process go on.</summary>
    public static void Thaw(int process) => Send(process, Continue);

    private static void Send(int process, int signal)
    {
        if (!OperatingSystem.IsWindows()) _ = Kill(process, signal);
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
